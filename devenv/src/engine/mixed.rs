//! Containers and processes of one stack behind one engine: each service goes to the side that it runs on.
//!
//! Must not know why a service is on which side: the plan says so.

use std::net::SocketAddr;

use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt as _};

use super::{Action, Engine, EngineError, Exec, Interaction, LogLine, LogOptions, Observed, ServiceState};
use crate::event::Reporter;
use crate::manifest::EngineName;
use crate::plan::{Plan, PlannedService, Project};

/// An engine for containers with one for host processes beside it.
pub struct Mixed<C, P> {
    /// Runs containers.
    pub containers: C,
    /// Runs processes of this machine.
    pub processes: P,
}

impl<C: Engine, P: Engine> Mixed<C, P> {
    fn side(&self, service: &PlannedService) -> &dyn Engine {
        if service.on_host() { &self.processes } else { &self.containers }
    }
}

impl<C: Engine, P: Engine> Engine for Mixed<C, P> {
    fn name(&self) -> EngineName {
        self.containers.name()
    }

    fn observe<'a>(&'a self, project: &'a Project) -> BoxFuture<'a, Result<Observed, EngineError>> {
        Box::pin(async move {
            let (containers, processes) =
                tokio::join!(self.containers.observe(project), self.processes.observe(project));
            let mut observed = containers?;
            observed.services.extend(processes?.services);
            Ok(observed)
        })
    }

    /// A service that the plan does not know may be on either side: removing what is not there is no error.
    fn perform<'a>(
        &'a self,
        plan: &'a Plan,
        action: &'a Action,
        reporter: &'a Reporter,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(async move {
            let of_service = !matches!(
                action,
                Action::CreateNetwork(_) | Action::CreateVolume(_) | Action::RemoveNetwork(_) | Action::RemoveVolume(_)
            );
            match plan.services.get(action.subject()).filter(|_| of_service) {
                Some(service) if !matches!(action, Action::Remove(_)) => {
                    self.side(service).perform(plan, action, reporter).await
                }
                None if !of_service => self.containers.perform(plan, action, reporter).await,
                Some(_) | None => {
                    self.processes.perform(plan, action, reporter).await?;
                    self.containers.perform(plan, action, reporter).await
                }
            }
        })
    }

    fn state<'a>(
        &'a self,
        project: &'a Project,
        service: &'a str,
    ) -> BoxFuture<'a, Result<Option<ServiceState>, EngineError>> {
        Box::pin(async move {
            match self.processes.state(project, service).await? {
                Some(state) => Ok(Some(state)),
                None => self.containers.state(project, service).await,
            }
        })
    }

    fn address<'a>(
        &'a self,
        project: &'a Project,
        service: &'a PlannedService,
        port: u16,
    ) -> BoxFuture<'a, Result<Option<SocketAddr>, EngineError>> {
        self.side(service).address(project, service, port)
    }

    fn exec<'a>(
        &'a self,
        project: &'a Project,
        service: &'a PlannedService,
        command: Exec<'a>,
    ) -> BoxFuture<'a, Result<i64, EngineError>> {
        self.side(service).exec(project, service, command)
    }

    fn put<'a>(&'a self, project: &'a Project, service: &'a PlannedService) -> BoxFuture<'a, Result<(), EngineError>> {
        self.side(service).put(project, service)
    }

    fn interact<'a>(
        &'a self,
        project: &'a Project,
        service: &'a PlannedService,
        command: &'a Interaction,
    ) -> BoxFuture<'a, Result<i64, EngineError>> {
        self.side(service).interact(project, service, command)
    }

    fn logs<'a>(
        &'a self,
        project: &'a Project,
        services: &'a [String],
        options: LogOptions,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<LogLine, EngineError>>, EngineError>> {
        Box::pin(async move {
            let containers = self.containers.logs(project, services, options).await?;
            let processes = self.processes.logs(project, services, options).await?;
            let merged: BoxStream<'static, _> = futures_util::stream::select(processes, containers).boxed();
            Ok(merged)
        })
    }
}
