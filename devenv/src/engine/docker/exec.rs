//! Runs a command in a container. Must not know what it is for.

use bollard::exec::{CreateExecOptions, StartExecResults};
use futures_util::TryStreamExt;

use super::connection::Connection;
use crate::engine::{EngineError, Exec};
use crate::plan::PlannedService;

/// Runs a command to its end, its output thrown away, and gives its exit code.
pub(super) async fn exec(
    connection: &Connection,
    service: &PlannedService,
    command: Exec<'_>,
) -> Result<i64, EngineError> {
    let program = command.words.first().map_or("", String::as_str);
    let action = format!("run `{program}` in service `{}`", service.name);
    Ok(connection.bounded(&action, command.timeout, run(connection, service, command.words)).await?)
}

async fn run(
    connection: &Connection,
    service: &PlannedService,
    words: &[String],
) -> Result<i64, bollard::errors::Error> {
    let client = &connection.client;
    let options = CreateExecOptions {
        cmd: Some(words.to_vec()),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..Default::default()
    };
    let id = client.create_exec(&service.container.name, options).await?.id;
    // Attached, because then the end of the output is the end of the command; detached it would have to be polled for.
    if let StartExecResults::Attached { mut output, .. } = client.start_exec(&id, None).await? {
        while output.try_next().await?.is_some() {}
    }
    Ok(client.inspect_exec(&id).await?.exit_code.unwrap_or(-1))
}
