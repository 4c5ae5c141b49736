//! Engines: what observes the world and acts on it.
//!
//! `reconcile`, `step` and `observed` are pure; `execute` walks steps and decides nothing; each engine performs single
//! actions and knows nothing of plans as a whole or of what people see.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use crate::event::Reporter;
use crate::manifest::EngineName;
use crate::plan::{Plan, PlannedService, Project};

pub mod docker;
pub mod embedded;
mod error;
pub mod execute;
pub mod fake;
pub mod holder;
pub mod mixed;
pub mod observed;
pub mod readiness;
pub mod reconcile;
pub mod step;
pub mod terminal;
pub mod timings;

pub use error::EngineError;
pub use observed::{Observed, ObservedService, ServiceState};
pub use step::{Action, Cause, Step};

/// One way to run a stack.
///
/// Everything is found again by labels (containers) or records and marks (processes), never only in memory: another
/// `devenv` must be able to go on after this one was killed.
pub trait Engine: Send + Sync {
    /// Which engine this is.
    fn name(&self) -> EngineName;

    /// What runs of this project, whoever started it.
    fn observe<'a>(&'a self, project: &'a Project) -> BoxFuture<'a, Result<Observed, EngineError>>;

    /// Does one action; doing it again when it is already done is no error. `AwaitReady` and `AwaitExit` never come here.
    fn perform<'a>(
        &'a self,
        plan: &'a Plan,
        action: &'a Action,
        reporter: &'a Reporter,
    ) -> BoxFuture<'a, Result<(), EngineError>>;

    /// The present state of one service; `None` when there is no such container or process.
    fn state<'a>(
        &'a self,
        project: &'a Project,
        service: &'a str,
    ) -> BoxFuture<'a, Result<Option<ServiceState>, EngineError>>;

    /// Where a port of a service can be reached from this process: the published port, else the container's address.
    fn address<'a>(
        &'a self,
        project: &'a Project,
        service: &'a PlannedService,
        port: u16,
    ) -> BoxFuture<'a, Result<Option<SocketAddr>, EngineError>>;

    /// Runs a command where the service runs (in its container; beside the process), and says its exit code.
    fn exec<'a>(
        &'a self,
        project: &'a Project,
        service: &'a PlannedService,
        command: Exec<'a>,
    ) -> BoxFuture<'a, Result<i64, EngineError>>;

    /// Runs a command where the service runs, with this process's own input and output, and says its exit code.
    fn interact<'a>(
        &'a self,
        _project: &'a Project,
        service: &'a PlannedService,
        _command: &'a Interaction,
    ) -> BoxFuture<'a, Result<i64, EngineError>> {
        let reason = "this engine cannot run commands beside it".to_owned();
        Box::pin(std::future::ready(Err(EngineError::Unsupported { service: service.name.clone(), reason })))
    }

    /// Puts `service.files` where the service sees them, while it runs.
    fn put<'a>(&'a self, _project: &'a Project, service: &'a PlannedService) -> BoxFuture<'a, Result<(), EngineError>> {
        let reason = "files are copied into containers only: a process sees the files of this machine".to_owned();
        Box::pin(std::future::ready(Err(EngineError::Unsupported { service: service.name.clone(), reason })))
    }

    /// Output lines of services, oldest first in each service; ends at the present unless `follow`.
    fn logs<'a>(
        &'a self,
        project: &'a Project,
        services: &'a [String],
        options: LogOptions,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<LogLine, EngineError>>, EngineError>>;
}

/// A command for [`Engine::exec`].
#[derive(Clone, Copy, Debug)]
pub struct Exec<'a> {
    /// Words.
    pub words: &'a [String],
    /// Most time.
    pub timeout: Duration,
}

/// A command for [`Engine::interact`].
#[derive(Clone, Debug, Default)]
pub struct Interaction {
    /// Words.
    pub words: Vec<String>,
    /// A terminal of its own, where engines have any to give.
    pub terminal: bool,
    /// As whom, other than the service's own user.
    pub user: Option<String>,
    /// Where, other than the service's own directory.
    pub directory: Option<String>,
}

/// Which output lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogOptions {
    /// Goes on with new lines, also after restarts.
    pub follow: bool,
    /// At most so many old lines for each service.
    pub tail: Option<usize>,
}

/// One line of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Whose.
    pub service: String,
    /// Standard error instead of standard output.
    pub stderr: bool,
    /// Text without the line end.
    pub text: String,
}
