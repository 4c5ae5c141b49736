//! `devenv`: composes a local stack (IAM, OpenID provider, dependencies, the API under development), on Docker or as plain
//! processes, and tests its authorization.
//!
//! The folders are the picture in `docs/architecture.md`: text → [`manifest`] → [`plan`] → [`engine`] steps → a running
//! [`stack`]; and back: stack → target → test plan → verdicts → reports.

pub mod audit;
pub mod cli;
pub mod commands;
pub mod describe;
pub mod engine;
pub mod event;
pub mod exit;
pub mod export;
pub mod git;
pub mod manifest;
pub mod plan;
pub mod relay;
pub mod select;
pub mod sources;
pub mod stack;
pub mod ui;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use crate::exit::Exit;

/// Runs the program with its arguments, the first of which is its own name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match cli::Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            drop(error.print());
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Success.into() };
        }
    };
    // A supervisor lives as long as its service and there is one for each: it takes no run time of its own.
    if let cli::Command::Supervise(args) = &cli.command {
        return match engine::embedded::supervise(&args.directory) {
            Ok(_) => Exit::Success.into(),
            Err(error) => {
                ui::complain(&error.to_string());
                Exit::World.into()
            }
        };
    }
    match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime.block_on(commands::run(cli.command)).into(),
        Err(error) => {
            ui::complain(&format!("cannot start: {error}"));
            Exit::World.into()
        }
    }
}
