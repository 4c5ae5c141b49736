//! Freezes services and lets them go on: signals to all their processes, never to their supervisors.

use super::create::record;
use super::observe::leftovers;
use super::process;
use crate::engine::EngineError;
use crate::plan::Project;

const SIGSTOP: i32 = 19;
const SIGCONT: i32 = 18;

/// Freezes every process of a service.
pub(crate) async fn pause(project: &Project, service: &str) -> Result<(), EngineError> {
    signal(project, service, SIGSTOP).await
}

/// Lets every process of a service go on.
pub(crate) async fn resume(project: &Project, service: &str) -> Result<(), EngineError> {
    signal(project, service, SIGCONT).await
}

async fn signal(project: &Project, service: &str, number: i32) -> Result<(), EngineError> {
    let supervisor = record(project, service)?.status().ok().flatten().map(|status| status.supervisor);
    for process in leftovers(project, service).await? {
        if Some(process) != supervisor {
            process::signal(process, number);
        }
    }
    Ok(())
}
