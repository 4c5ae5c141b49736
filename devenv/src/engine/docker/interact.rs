//! A command in a container with the caller's own input and output. Must not know what it is for.

use std::io::{Read as _, Write as _};

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, ResizeExecOptions, StartExecOptions, StartExecResults};
use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;

use super::connection::Connection;
use crate::engine::terminal::{self, RawMode};
use crate::engine::{EngineError, Interaction};
use crate::plan::PlannedService;

/// Runs it to its end and gives its exit code.
pub(super) async fn interact(
    connection: &Connection,
    service: &PlannedService,
    command: &Interaction,
) -> Result<i64, EngineError> {
    let client = &connection.client;
    let options = CreateExecOptions {
        cmd: Some(command.words.clone()),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(command.terminal),
        user: command.user.clone(),
        working_dir: command.directory.clone(),
        ..Default::default()
    };
    let action = format!("run `{}` in service `{}`", command.words.join(" "), service.name);
    let id = connection.ask(&action, client.create_exec(&service.container.name, options)).await?.id;
    let options = StartExecOptions { detach: false, tty: command.terminal, output_capacity: None };
    let started = connection.ask(&action, client.start_exec(&id, Some(options))).await?;
    if let StartExecResults::Attached { mut output, mut input } = started {
        let _raw = command.terminal.then(RawMode::enter);
        let resizing = async {
            let mut sizes = terminal::sizes();
            while let Some((height, width)) = sizes.recv().await {
                drop(client.resize_exec(&id, ResizeExecOptions { height, width }).await);
            }
            std::future::pending::<()>().await;
        };
        let feeding = async {
            let mut typed = keyboard();
            while let Some(bytes) = typed.recv().await {
                if input.write_all(&bytes).await.is_err() || input.flush().await.is_err() {
                    break;
                }
            }
            drop(input.shutdown().await);
            std::future::pending::<()>().await;
        };
        let showing = async {
            while let Some(Ok(piece)) = output.next().await {
                show(&piece);
            }
        };
        tokio::select! {
            () = showing => {}
            () = feeding => {}
            () = resizing, if command.terminal => {}
        }
    }
    Ok(connection.ask(&action, client.inspect_exec(&id)).await?.exit_code.unwrap_or(-1))
}

/// What is typed. A thread of its own, which nobody waits for: reading cannot be broken off.
fn keyboard() -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(8);
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        let mut piece = vec![0; 4096];
        while let Ok(length @ 1..) = input.read(&mut piece) {
            if sender.blocking_send(piece.get(..length).unwrap_or_default().to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Bytes as they are: a program may write what is no text.
fn show(piece: &LogOutput) {
    let shown = match piece {
        LogOutput::StdErr { message } => {
            let mut err = std::io::stderr().lock();
            err.write_all(message).and_then(|()| err.flush())
        }
        LogOutput::StdOut { message } | LogOutput::Console { message } | LogOutput::StdIn { message } => {
            let mut out = std::io::stdout().lock();
            out.write_all(message).and_then(|()| out.flush())
        }
    };
    // A reader that went away is no failure of the command.
    drop(shown);
}
