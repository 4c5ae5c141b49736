//! An engine that passes everything on and writes down what the world was like whenever a service was started or stopped.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use devenv::engine::{Action, Engine, EngineError, Exec, LogLine, LogOptions, Observed, ServiceState};
use devenv::event::Reporter;
use devenv::manifest::EngineName;
use devenv::plan::{Plan, PlannedService, Project};
use futures_util::TryStreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

/// State and output by service; what does not exist is missing.
pub(crate) type Seen = BTreeMap<String, (ServiceState, Vec<String>)>;

pub(crate) struct Spy {
    engine: Box<dyn Engine>,
    seen: Mutex<Vec<(Action, Seen)>>,
}

impl Spy {
    pub(crate) fn new(engine: Box<dyn Engine>) -> Self {
        Self { engine, seen: Mutex::default() }
    }

    /// What the world was like just before an action; the latest time if it was taken more than once.
    pub(crate) fn before(&self, action: &Action) -> Seen {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let found = seen.iter().rev().find(|(seen, _)| seen == action);
        found.map(|(_, seen)| seen.clone()).unwrap_or_else(|| panic!("never: {} {}", action.verb(), action.subject()))
    }

    async fn look(&self, project: &Project) -> Result<Seen, EngineError> {
        let mut seen = Seen::new();
        for (name, service) in self.engine.observe(project).await?.services {
            let lines = self.engine.logs(project, std::slice::from_ref(&name), LogOptions::default()).await?;
            let lines = lines.try_fold(vec![], async |mut lines, line| {
                lines.push(line.text);
                Ok(lines)
            });
            seen.insert(name, (service.state, lines.await?));
        }
        Ok(seen)
    }
}

impl Engine for Spy {
    fn name(&self) -> EngineName {
        self.engine.name()
    }

    fn observe<'a>(&'a self, project: &'a Project) -> BoxFuture<'a, Result<Observed, EngineError>> {
        self.engine.observe(project)
    }

    fn perform<'a>(
        &'a self,
        plan: &'a Plan,
        action: &'a Action,
        reporter: &'a Reporter,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(async move {
            if let Action::Start(_) | Action::Stop(_) = action {
                let seen = self.look(&plan.project).await?;
                self.seen.lock().unwrap_or_else(PoisonError::into_inner).push((action.clone(), seen));
            }
            self.engine.perform(plan, action, reporter).await
        })
    }

    fn state<'a>(
        &'a self,
        project: &'a Project,
        service: &'a str,
    ) -> BoxFuture<'a, Result<Option<ServiceState>, EngineError>> {
        self.engine.state(project, service)
    }

    fn address<'a>(
        &'a self,
        project: &'a Project,
        service: &'a PlannedService,
        port: u16,
    ) -> BoxFuture<'a, Result<Option<SocketAddr>, EngineError>> {
        self.engine.address(project, service, port)
    }

    fn exec<'a>(
        &'a self,
        project: &'a Project,
        service: &'a PlannedService,
        command: Exec<'a>,
    ) -> BoxFuture<'a, Result<i64, EngineError>> {
        self.engine.exec(project, service, command)
    }

    fn logs<'a>(
        &'a self,
        project: &'a Project,
        services: &'a [String],
        options: LogOptions,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<LogLine, EngineError>>, EngineError>> {
        self.engine.logs(project, services, options)
    }
}
