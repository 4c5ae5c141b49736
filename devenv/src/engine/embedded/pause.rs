//! Freezes services and lets them go on: signals to all their processes, never to their supervisors.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::create::record;
use super::observe::leftovers;
use super::process;
use super::record::Identity;
use crate::engine::EngineError;
use crate::plan::Project;

const SIGSTOP: i32 = 19;
const SIGCONT: i32 = 18;
/// How long the kernel may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often is looked.
const LOOK: Duration = Duration::from_millis(2);

/// Freezes every process of a service.
pub(crate) async fn pause(project: &Project, service: &str) -> Result<(), EngineError> {
    signal(project, service, true).await
}

/// Lets every process of a service go on.
pub(crate) async fn resume(project: &Project, service: &str) -> Result<(), EngineError> {
    signal(project, service, false).await
}

async fn signal(project: &Project, service: &str, freeze: bool) -> Result<(), EngineError> {
    let supervisor = record(project, service)?.status().ok().flatten().map(|status| status.supervisor);
    let mut processes = leftovers(project, service).await?;
    processes.retain(|process| Some(*process) != supervisor);
    for process in &processes {
        process::signal(*process, if freeze { SIGSTOP } else { SIGCONT });
    }
    // The kernel acts on a signal when the process is next due, which takes a while on a busy machine.
    let deadline = Instant::now() + PATIENCE;
    let pending = |process: &Identity| process::alive(*process) && process::is_frozen(*process) != freeze;
    while processes.iter().any(pending) && Instant::now() < deadline {
        sleep(LOOK).await;
    }
    Ok(())
}
