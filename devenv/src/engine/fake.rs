//! An engine of memory, for tests: the same trait, the same behaviour suite, no world.
//!
//! Clones share what they remember, as engine values share the one world outside. Must not know what is tested with it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::task::yield_now;

use super::{Action, Engine, EngineError, Exec, LogLine, LogOptions, Observed, ServiceState};
use crate::event::{Event, Reporter};
use crate::manifest::EngineName;
use crate::plan::{Plan, PlannedMountSource, PlannedService, Project, ServiceNetwork};
use service::Service;

mod service;
#[cfg(test)]
pub(crate) mod sketch;

pub use service::Part;

/// An engine that only remembers. Its services behave as containers do.
#[derive(Clone, Debug, Default)]
pub struct Fake {
    world: Arc<Mutex<World>>,
}

#[derive(Debug, Default)]
struct World {
    /// By `Project::id`.
    stacks: BTreeMap<String, Stack>,
    parts: BTreeMap<String, Part>,
    done: Vec<Action>,
    /// Counts what happens: each container has an id of its own, each start a time of its own.
    clock: i64,
}

#[derive(Debug, Default)]
struct Stack {
    services: BTreeMap<String, Service>,
    networks: BTreeSet<String>,
    volumes: BTreeSet<String>,
}

impl Fake {
    /// An engine on which the start of these services fails.
    #[must_use]
    pub fn failing(services: &[&str]) -> Self {
        let fake = Self::default();
        for service in services {
            fake.play(service, Part { refused: true, ..Part::default() });
        }
        fake
    }

    /// An engine on which a service ends by itself with an exit code as soon as it is started.
    #[must_use]
    pub fn ending(service: &str, code: i64) -> Self {
        let fake = Self::default();
        fake.play(service, Part { ends: Some(code), ..Part::default() });
        fake
    }

    /// Says what a service does whenever it is started from now on.
    pub fn play(&self, service: &str, part: Part) {
        self.world().parts.insert(service.to_owned(), part);
    }

    /// Ends a service as SIGKILL from outside does.
    pub fn kill(&self, project: &Project, service: &str) {
        self.world().stack(project).kill(service);
    }

    /// Everything that was done, in order.
    #[must_use]
    pub fn done(&self) -> Vec<Action> {
        self.world().done.clone()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    fn stack(&mut self, project: &Project) -> &mut Stack {
        self.stacks.entry(project.id()).or_default()
    }

    fn act(&mut self, plan: &Plan, action: &Action, reporter: &Reporter) -> Result<(), EngineError> {
        self.done.push(action.clone());
        self.clock += 1;
        let now = self.clock;
        let part = self.parts.get(action.subject()).cloned().unwrap_or_default();
        let stack = self.stack(&plan.project);
        match action {
            Action::CreateNetwork(name) if plan.networks.contains_key(name) => {
                stack.networks.insert(name.clone());
            }
            Action::CreateVolume(name) if plan.volumes.contains_key(name) => {
                stack.volumes.insert(name.clone());
            }
            Action::RemoveNetwork(name) => stack.remove_network(name)?,
            Action::RemoveVolume(name) => stack.remove_volume(name)?,
            Action::Provide(name) => drop(planned(plan, name)?),
            Action::Create(name) => stack.create(planned(plan, name)?, now),
            Action::Start(name) => stack.start(planned(plan, name)?, &part, now)?,
            Action::Stop(name) => {
                if let Some(service) = stack.services.get_mut(name)
                    && service.stop(&part)
                {
                    reporter.report(Event::Warning { message: format!("service `{name}` did not end and was killed") });
                }
            }
            Action::Pause(name) | Action::Resume(name) => {
                if let Some(service) = stack.services.get_mut(name) {
                    service.freeze(matches!(action, Action::Pause(_)));
                }
            }
            Action::Kill(name) => stack.kill(name),
            Action::Remove(name) => drop(stack.services.remove(name)),
            Action::AwaitReady(_) | Action::AwaitExit(_) | Action::CreateNetwork(_) | Action::CreateVolume(_) => {}
        }
        Ok(())
    }
}

impl Stack {
    /// What is there as it shall be is kept; anything else is replaced.
    fn create(&mut self, service: &PlannedService, now: i64) {
        let present = self.services.get(&service.name);
        if present.is_none_or(|present| present.planned().fingerprint != service.fingerprint) {
            self.services.insert(service.name.clone(), Service::created(service, now));
        }
    }

    fn start(&mut self, service: &PlannedService, part: &Part, now: i64) -> Result<(), EngineError> {
        let name = &service.name;
        let action = format!("start {name}");
        let Some(present) = self.services.get_mut(name) else {
            return Err(EngineError::Refused { action, cause: "no such service was made".into() });
        };
        if let ServiceNetwork::Networks(networks) = &present.planned().network
            && let Some(missing) = networks.iter().find(|network| !self.networks.contains(*network))
        {
            return Err(EngineError::Refused { action, cause: format!("no network `{missing}`") });
        }
        if part.refused {
            return Err(EngineError::Refused { action, cause: "it is told to fail".into() });
        }
        present.start(part, now);
        Ok(())
    }

    fn kill(&mut self, service: &str) {
        if let Some(service) = self.services.get_mut(service) {
            service.end(137);
        }
    }

    fn remove_network(&mut self, name: &String) -> Result<(), EngineError> {
        let uses = |service: &Service| match &service.planned().network {
            ServiceNetwork::Networks(networks) => service.runs() && networks.contains(name),
            ServiceNetwork::SharedWith(_) | ServiceNetwork::Mode(_) | ServiceNetwork::Host => false,
        };
        refuse_in_use(&format!("remove network {name}"), self.services.values().find(|service| uses(service)))?;
        self.networks.remove(name);
        Ok(())
    }

    fn remove_volume(&mut self, name: &String) -> Result<(), EngineError> {
        let is_it =
            |source: &PlannedMountSource| matches!(source, PlannedMountSource::Volume(volume) if volume == name);
        let uses = |service: &Service| service.planned().mounts.iter().any(|mount| is_it(&mount.source));
        refuse_in_use(&format!("remove volume {name}"), self.services.values().find(|service| uses(service)))?;
        self.volumes.remove(name);
        Ok(())
    }

    fn lines(&self, services: &[String], tail: Option<usize>) -> Vec<LogLine> {
        let of = |name: &String| {
            let said = self.services.get(name).map(Service::said).unwrap_or_default();
            let skipped = tail.map_or(0, |tail| said.len().saturating_sub(tail));
            let line = |text: &String| LogLine { service: name.clone(), stderr: false, text: text.clone() };
            said.iter().skip(skipped).map(line).collect::<Vec<_>>()
        };
        services.iter().flat_map(of).collect()
    }
}

fn refuse_in_use(action: &str, user: Option<&Service>) -> Result<(), EngineError> {
    user.map_or(Ok(()), |user| {
        Err(EngineError::Refused { action: action.to_owned(), cause: format!("`{}` uses it", user.planned().name) })
    })
}

fn planned<'a>(plan: &'a Plan, name: &str) -> Result<&'a PlannedService, EngineError> {
    let reason = "it is not in the plan".to_owned();
    plan.services.get(name).ok_or_else(|| EngineError::Unsupported { service: name.to_owned(), reason })
}

impl Engine for Fake {
    fn name(&self) -> EngineName {
        EngineName::Docker
    }

    fn observe<'a>(&'a self, project: &'a Project) -> BoxFuture<'a, Result<Observed, EngineError>> {
        Box::pin(async move {
            let mut world = self.world();
            let stack = world.stack(project);
            let services = stack.services.iter().map(|(name, service)| (name.clone(), service.observed()));
            Ok(Observed {
                services: services.collect(),
                networks: stack.networks.clone(),
                volumes: stack.volumes.clone(),
                unproven: BTreeSet::new(),
            })
        })
    }

    /// Can be dropped before it has done anything and after it has, as a request to a real engine can.
    fn perform<'a>(
        &'a self,
        plan: &'a Plan,
        action: &'a Action,
        reporter: &'a Reporter,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(async move {
            yield_now().await;
            let result = self.world().act(plan, action, reporter);
            yield_now().await;
            result
        })
    }

    fn state<'a>(
        &'a self,
        project: &'a Project,
        service: &'a str,
    ) -> BoxFuture<'a, Result<Option<ServiceState>, EngineError>> {
        Box::pin(async move { Ok(self.world().stack(project).services.get(service).map(Service::state)) })
    }

    fn address<'a>(
        &'a self,
        _: &'a Project,
        _: &'a PlannedService,
        port: u16,
    ) -> BoxFuture<'a, Result<Option<SocketAddr>, EngineError>> {
        Box::pin(async move { Ok(Some(SocketAddr::from(([127, 0, 0, 1], port)))) })
    }

    fn exec<'a>(
        &'a self,
        _: &'a Project,
        _: &'a PlannedService,
        _: Exec<'a>,
    ) -> BoxFuture<'a, Result<i64, EngineError>> {
        Box::pin(async move { Ok(0) })
    }

    /// Ends at the present also with `follow`: who follows looks again.
    fn logs<'a>(
        &'a self,
        project: &'a Project,
        services: &'a [String],
        options: LogOptions,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<LogLine, EngineError>>, EngineError>> {
        Box::pin(async move {
            let lines = self.world().stack(project).lines(services, options.tail);
            Ok(stream::iter(lines.into_iter().map(Ok)).boxed())
        })
    }
}
