//! A command beside a service with the caller's own input and output.

use tokio::process::Command;

use super::create::{inherit, working_directory};
use super::environment::{inherited, program};
use super::process;
use crate::engine::{EngineError, Interaction};
use crate::plan::{PlannedService, Project};

/// Runs it in the service's directory with its environment, and says its exit code.
pub(crate) async fn interact(
    project: &Project,
    service: &PlannedService,
    command: &Interaction,
) -> Result<i64, EngineError> {
    let refused = |cause: String| EngineError::Refused {
        action: format!("run `{}` for service `{}`", command.words.join(" "), service.name),
        cause,
    };
    if command.user.is_some() {
        return Err(refused("a process of this machine runs as whoever started it: leave `--user` out".to_owned()));
    }
    let mut directory = working_directory(project, service);
    directory.extend(&command.directory);
    let (first, rest) = command.words.split_first().ok_or_else(|| refused("there is no command".into()))?;
    let status = Command::new(program(first, &directory))
        .args(rest)
        .env_clear()
        .envs(inherited(std::env::vars_os(), inherit(service)))
        .envs(&service.environment)
        .env(process::PROJECT, project.id())
        .current_dir(&directory)
        .status()
        .await
        .map_err(|error| refused(error.to_string()))?;
    Ok(super::supervisor::exit_code(status))
}
