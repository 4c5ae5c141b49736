//! An engine of memory, for tests: the same trait, the same behaviour suite, no world.
//!
//! Must not know what is tested with it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};

use super::{
    Action, Engine, EngineError, Exec, LogLine, LogOptions, Observed, ObservedService, ServiceState,
};
use crate::event::Reporter;
use crate::manifest::EngineName;
use crate::plan::{Plan, PlannedService, Project};

/// An engine that only remembers.
#[derive(Debug, Default)]
pub struct Fake {
    world: Mutex<World>,
}

#[derive(Debug, Default)]
struct World {
    observed: Observed,
    done: Vec<Action>,
    failing: BTreeSet<String>,
    exits: BTreeMap<String, i64>,
}

impl Fake {
    /// An engine on which the start of these services fails.
    #[must_use]
    pub fn failing(services: &[&str]) -> Self {
        let fake = Self::default();
        fake.world().failing = services.iter().map(ToString::to_string).collect();
        fake
    }

    /// An engine on which a service ends by itself with an exit code as soon as it is started.
    #[must_use]
    pub fn ending(service: &str, code: i64) -> Self {
        let fake = Self::default();
        fake.world().exits.insert(service.to_owned(), code);
        fake
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
    fn act(&mut self, plan: &Plan, action: &Action) -> Result<(), EngineError> {
        self.done.push(action.clone());
        match action {
            Action::CreateNetwork(name) => drop(self.observed.networks.insert(name.clone())),
            Action::CreateVolume(name) => drop(self.observed.volumes.insert(name.clone())),
            Action::RemoveNetwork(name) => drop(self.observed.networks.remove(name)),
            Action::RemoveVolume(name) => drop(self.observed.volumes.remove(name)),
            Action::Provide(_) | Action::AwaitReady(_) | Action::AwaitExit(_) => {}
            Action::Create(name) => {
                if let Some(service) = plan.services.get(name) {
                    self.observed.services.insert(name.clone(), created(service));
                }
            }
            Action::Start(name) if self.failing.contains(name) => {
                return Err(EngineError::Refused { action: format!("start {name}"), cause: "it is told to fail".into() });
            }
            Action::Start(name) => {
                let code = self.exits.get(name).copied();
                let state = code.map_or(ServiceState::Running, |code| ServiceState::Exited { code });
                self.set(name, state);
            }
            Action::Stop(name) => self.set(name, ServiceState::Exited { code: 143 }),
            Action::Remove(name) => drop(self.observed.services.remove(name)),
        }
        Ok(())
    }

    fn set(&mut self, name: &str, state: ServiceState) {
        if let Some(service) = self.observed.services.get_mut(name) {
            service.state = state;
        }
    }
}

fn created(service: &PlannedService) -> ObservedService {
    ObservedService {
        id: format!("fake-{}", service.name),
        fingerprint: service.fingerprint.clone(),
        state: ServiceState::Created,
        ports: service.ports.clone(),
        on_host: service.on_host(),
        started_at: 0,
        detached: false,
    }
}

impl Engine for Fake {
    fn name(&self) -> EngineName {
        EngineName::Docker
    }

    fn observe<'a>(&'a self, _: &'a Project) -> BoxFuture<'a, Result<Observed, EngineError>> {
        Box::pin(async move { Ok(self.world().observed.clone()) })
    }

    fn perform<'a>(
        &'a self,
        plan: &'a Plan,
        action: &'a Action,
        _: &'a Reporter,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(async move { self.world().act(plan, action) })
    }

    fn state<'a>(
        &'a self,
        _: &'a Project,
        service: &'a str,
    ) -> BoxFuture<'a, Result<Option<ServiceState>, EngineError>> {
        Box::pin(async move { Ok(self.world().observed.services.get(service).map(|service| service.state.clone())) })
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

    fn logs<'a>(
        &'a self,
        _: &'a Project,
        services: &'a [String],
        _: LogOptions,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<LogLine, EngineError>>, EngineError>> {
        Box::pin(async move {
            let line = |service: &String| {
                Ok(LogLine { service: service.clone(), stderr: false, text: format!("{service} says hello") })
            };
            let lines: Vec<_> = services.iter().map(line).collect();
            Ok(stream::iter(lines).boxed())
        })
    }
}

/// Plans and observations as short texts.
#[cfg(test)]
pub(crate) mod sketch {
    use std::time::Duration;

    use super::*;
    use crate::manifest::{Condition, PullPolicy, Readiness, ReadinessTest, Restart};
    use crate::plan::{
        ContainerSettings, Fingerprint, Hardening, PlannedMount, PlannedMountSource, PlannedNetwork, PlannedVolume, Role,
        ServiceNetwork, Source, Stop,
    };

    /// One service a line: `name: [ready] [volume] [after OTHER started|healthy|completed] [in OTHER]`.
    pub(crate) fn plan(text: &str) -> Plan {
        let project = Project { name: "p".into(), instance: "0".into(), directory: "/p".into(), state: "/s".into() };
        let services: BTreeMap<String, PlannedService> =
            text.lines().map(service).map(|service| (service.name.clone(), service)).collect();
        let network = PlannedNetwork { name: "p_default".into(), external: false, internal: false, driver: None };
        let volumes = text.contains("volume").then(|| {
            ("data".to_owned(), PlannedVolume { name: "p_data".into(), external: false, driver: None })
        });
        Plan {
            project,
            engine: EngineName::Docker,
            services,
            networks: BTreeMap::from([("default".to_owned(), network)]),
            volumes: volumes.into_iter().collect(),
        }
    }

    fn service(line: &str) -> PlannedService {
        let (name, rest) = line.split_once(':').unwrap();
        let words: Vec<&str> = rest.split_whitespace().collect();
        let value = |key: &str| words.iter().position(|word| *word == key).and_then(|at| words.get(at + 1)).copied();
        let condition = |word: &str| match word {
            "started" => Condition::Started,
            "healthy" => Condition::Healthy,
            _ => Condition::Completed,
        };
        let after = words.iter().position(|word| *word == "after");
        let depends_on =
            after.map(|at| (words[at + 1].to_owned(), condition(words[at + 2]))).into_iter().collect::<BTreeMap<_, _>>();
        let mount = PlannedMount {
            source: PlannedMountSource::Volume("data".into()),
            target: "/data".into(),
            read_only: false,
        };
        PlannedService {
            name: name.into(),
            role: Role::User,
            source: Source::Image { reference: "image".into(), pull: PullPolicy::Missing },
            entrypoint: None,
            command: vec![],
            environment: BTreeMap::new(),
            files: vec![],
            ports: vec![],
            mounts: if words.contains(&"volume") { vec![mount] } else { vec![] },
            tmpfs: BTreeMap::new(),
            network: value("in").map_or_else(
                || ServiceNetwork::Networks(vec!["default".into()]),
                |owner| ServiceNetwork::SharedWith(owner.into()),
            ),
            depends_on,
            readiness: words.contains(&"ready").then(|| Readiness {
                test: ReadinessTest::Exec { words: vec!["true".into()] },
                timeout: Duration::from_secs(1),
                within: Duration::from_secs(1),
            }),
            restart: Restart::No,
            stop: Stop { signal: "SIGTERM".into(), grace: Duration::from_secs(1) },
            hardening: Hardening::default(),
            container: ContainerSettings::default(),
            fingerprint: Fingerprint(BTreeMap::from([("image".to_owned(), "1".to_owned())])),
        }
    }

    /// One service a line: `name running|created|paused|orphaned|exited CODE [changed]`.
    pub(crate) fn observed(plan: &Plan, text: &str) -> Observed {
        let mut observed = Observed::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let state = match words[1] {
                "running" => ServiceState::Running,
                "created" => ServiceState::Created,
                "paused" => ServiceState::Paused,
                "orphaned" => ServiceState::Orphaned,
                _ => ServiceState::Exited { code: words[2].parse().unwrap() },
            };
            let version = if words.contains(&"changed") { "0" } else { "1" };
            let service = ObservedService {
                id: words[0].into(),
                fingerprint: Fingerprint(BTreeMap::from([("image".to_owned(), version.to_owned())])),
                state,
                ports: vec![],
                on_host: false,
                started_at: 0,
                detached: false,
            };
            observed.services.insert(words[0].into(), service);
        }
        if !text.is_empty() {
            observed.networks = plan.networks.keys().cloned().collect();
            observed.volumes = plan.volumes.keys().cloned().collect();
        }
        observed
    }
}
