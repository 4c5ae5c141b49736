//! Runs a command beside a service: in its directory, with its environment.

use std::process::Stdio;

use tokio::process::Command;
use tokio::time::timeout;

use super::create::{inherit, working_directory};
use super::environment::{inherited, program};
use super::process;
use crate::engine::{EngineError, Exec};
use crate::plan::{PlannedService, Project};

const SIGKILL: i32 = 9;

/// Runs it to its end, output discarded, and says its exit code; kills its process group when it takes too long.
pub(crate) async fn exec(project: &Project, service: &PlannedService, command: Exec<'_>) -> Result<i64, EngineError> {
    let refused = |cause: String| EngineError::Refused {
        action: format!("run `{}` for service `{}`", command.words.join(" "), service.name),
        cause,
    };
    let directory = working_directory(project, service);
    let (first, rest) = command.words.split_first().ok_or_else(|| refused("there is no command".into()))?;
    let mut child = Command::new(program(first, &directory))
        .args(rest)
        .env_clear()
        .envs(inherited(std::env::vars_os(), inherit(service)))
        .envs(&service.environment)
        .env(process::PROJECT, project.id())
        .env(process::SERVICE, &service.name)
        .current_dir(&directory)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| refused(error.to_string()))?;
    let mut group = Group(child.id().map(u32::cast_signed));
    match timeout(command.timeout, child.wait()).await {
        Ok(Ok(status)) => {
            group.0 = None;
            Ok(super::supervisor::exit_code(status))
        }
        Ok(Err(error)) => Err(refused(error.to_string())),
        Err(_) => Err(refused(format!("no end within {} s", command.timeout.as_secs_f32()))),
    }
}

/// The process group of a command that nobody waits for any more is killed, whoever gave up and why.
struct Group(Option<i32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            process::signal_group(leader, SIGKILL);
        }
    }
}
