//! Processes of this machine, each under a small supervisor of its own.
//!
//! Everything about a service is in its directory below `Project::state`, and each process carries a mark in its
//! environment, so another `devenv` finds all of it after this one was killed. Must not know plans as a whole, nor what
//! a service is for.

mod create;
mod environment;
mod exec;
mod interact;
mod log;
mod logs;
mod observe;
mod pause;
mod process;
mod record;
mod start;
mod stop;
mod supervision;
mod supervisor;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::{Action, Engine, EngineError, Exec, Interaction, LogLine, LogOptions, Observed, ServiceState};
use crate::event::Reporter;
use crate::manifest::EngineName;
use crate::plan::{Plan, PlannedService, Project};

pub use supervisor::supervise;

/// Runs services as supervised processes of this machine.
#[derive(Clone, Debug)]
pub struct Embedded {
    executable: PathBuf,
}

impl Embedded {
    /// An engine whose supervisors are `EXECUTABLE supervise DIRECTORY`, which must end in [`supervise`].
    #[must_use]
    pub fn new(executable: PathBuf) -> Self {
        Self { executable }
    }

    async fn act(&self, plan: &Plan, action: &Action, reporter: &Reporter) -> Result<(), EngineError> {
        let project = &plan.project;
        match action {
            Action::Provide(name) => create::provide(planned(plan, name)?),
            Action::Create(name) => {
                let spec = create::spec(project, planned(plan, name)?)?;
                stop::remove(project, name, reporter).await?;
                create::create(project, planned(plan, name)?, &spec)
            }
            Action::Start(name) if observe::is_frozen(project, name).await? => pause::resume(project, name).await,
            Action::Start(name) => start::start(&self.executable, project, planned(plan, name)?, reporter).await,
            Action::Pause(name) => pause::pause(project, name).await,
            Action::Resume(name) => pause::resume(project, name).await,
            Action::Stop(name) => stop::stop(project, name, reporter).await,
            Action::Kill(name) => stop::kill(project, name).await,
            Action::Remove(name) => stop::remove(project, name, reporter).await,
            // Processes need neither networks nor volumes; waiting is done by `readiness` for all engines.
            Action::CreateNetwork(_)
            | Action::CreateVolume(_)
            | Action::RemoveNetwork(_)
            | Action::RemoveVolume(_)
            | Action::AwaitReady(_)
            | Action::AwaitExit(_) => Ok(()),
        }
    }
}

impl Engine for Embedded {
    fn name(&self) -> EngineName {
        EngineName::Embedded
    }

    fn observe<'a>(&'a self, project: &'a Project) -> BoxFuture<'a, Result<Observed, EngineError>> {
        observe::all(project).boxed()
    }

    fn perform<'a>(
        &'a self,
        plan: &'a Plan,
        action: &'a Action,
        reporter: &'a Reporter,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        self.act(plan, action, reporter).boxed()
    }

    fn state<'a>(
        &'a self,
        project: &'a Project,
        service: &'a str,
    ) -> BoxFuture<'a, Result<Option<ServiceState>, EngineError>> {
        observe::one(project, service).boxed()
    }

    fn address<'a>(
        &'a self,
        _project: &'a Project,
        _service: &'a PlannedService,
        port: u16,
    ) -> BoxFuture<'a, Result<Option<SocketAddr>, EngineError>> {
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        std::future::ready(Ok(Some(address))).boxed()
    }

    fn exec<'a>(
        &'a self,
        project: &'a Project,
        service: &'a PlannedService,
        command: Exec<'a>,
    ) -> BoxFuture<'a, Result<i64, EngineError>> {
        exec::exec(project, service, command).boxed()
    }

    fn interact<'a>(
        &'a self,
        project: &'a Project,
        service: &'a PlannedService,
        command: &'a Interaction,
    ) -> BoxFuture<'a, Result<i64, EngineError>> {
        interact::interact(project, service, command).boxed()
    }

    fn logs<'a>(
        &'a self,
        project: &'a Project,
        services: &'a [String],
        options: LogOptions,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<LogLine, EngineError>>, EngineError>> {
        std::future::ready(logs::logs(project, services, options)).boxed()
    }
}

fn planned<'a>(plan: &'a Plan, name: &str) -> Result<&'a PlannedService, EngineError> {
    plan.services.get(name).ok_or_else(|| EngineError::Unsupported {
        service: name.to_owned(),
        reason: "it is not in the plan; add it to devenv.yaml or remove it with `devenv down`".into(),
    })
}

/// An error of this machine at a path.
fn machine(action: &str, path: &Path, cause: impl std::fmt::Display) -> EngineError {
    EngineError::Machine { action: format!("{action} {}", path.display()), cause: cause.to_string() }
}
