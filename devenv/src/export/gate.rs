//! How dependants wait: Compose knows a health check inside of the container and nothing else, and an image made from one
//! program has nothing in it that could ask. So a container of ours in the same network asks for it: the relay, which is
//! there anyway, or one made for this.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Destination;
use crate::manifest::{Condition, Object, Readiness, ReadinessTest, elements};
use crate::plan::{Artifact, Plan, PlannedService, Role, ServiceNetwork, Source};

/// How often Compose's engine asks: a container counts as healthy only after the first whole interval.
const INTERVAL: Duration = Duration::from_secs(1);

/// Whose health tells that a service is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// Its own; the words of the test.
    Own(Vec<String>),
    /// The relay in its network namespace.
    Relay(String),
    /// A container that is there for this.
    Sidecar(String),
    /// Nobody's: it counts when it runs.
    Running,
    /// A line of its output, which Compose cannot wait for.
    Unknown,
}

/// The gates of all services by name.
pub(super) fn gates(plan: &Plan) -> BTreeMap<String, Gate> {
    plan.services.iter().map(|(name, service)| (name.clone(), gate(plan, service))).collect()
}

fn gate(plan: &Plan, service: &PlannedService) -> Gate {
    let Some(readiness) = &service.readiness else { return Gate::Running };
    match &readiness.test {
        ReadinessTest::Exec { words } => Gate::Own(std::iter::once("CMD".to_owned()).chain(words.clone()).collect()),
        ReadinessTest::Shell { script } => Gate::Own(vec!["CMD-SHELL".into(), script.clone()]),
        ReadinessTest::Log { .. } => Gate::Unknown,
        ReadinessTest::Http { .. } | ReadinessTest::Tcp { .. } => {
            match (&service.role, &service.network, &service.source) {
                (Role::BuiltIn, _, Source::Packaged { executable }) => {
                    probe(executable, &question(service, readiness, "127.0.0.1"))
                }
                (_, ServiceNetwork::SharedWith(owner), _) if is_relay(plan, owner) => Gate::Relay(owner.clone()),
                _ => Gate::Sidecar(format!("{}-ready", service.name)),
            }
        }
    }
}

fn is_relay(plan: &Plan, name: &str) -> bool {
    plan.services.get(name).is_some_and(|service| matches!(service.role, Role::Relay { .. }))
}

fn probe(executable: &Artifact, question: &str) -> Gate {
    Gate::Own(["CMD", &inside(executable), "serve", "probe", question].map(str::to_owned).to_vec())
}

/// Where the executable is in the image that is made from it.
fn inside(executable: &Artifact) -> String {
    format!("/{}", executable.path.file_name().unwrap_or_default().to_string_lossy())
}

/// The readiness test as a URL: `http://HOST:8080/health`, `tcp://HOST:5432`.
fn question(service: &PlannedService, readiness: &Readiness, host: &str) -> String {
    let first = || service.ports.first().map_or(80, |port| port.target);
    match &readiness.test {
        ReadinessTest::Http { path, port } => {
            format!("http://{host}:{}/{}", port.unwrap_or_else(first), path.trim_start_matches('/'))
        }
        ReadinessTest::Tcp { port } => format!("tcp://{host}:{port}"),
        ReadinessTest::Log { .. } | ReadinessTest::Exec { .. } | ReadinessTest::Shell { .. } => String::new(),
    }
}

/// The health check of a service: its own, or the one that it asks as a relay.
pub(super) fn healthcheck(plan: &Plan, service: &PlannedService, gates: &BTreeMap<String, Gate>) -> Value {
    if let Role::Relay { of } = &service.role
        && let Source::Packaged { executable } = &service.source
        && let Some(fronted) = plan.services.get(of)
        && gates.get(of) == Some(&Gate::Relay(service.name.clone()))
        && let Some(readiness) = &fronted.readiness
        && let Gate::Own(words) = probe(executable, &question(fronted, readiness, "127.0.0.1"))
    {
        return written(&words, readiness);
    }
    match (gates.get(&service.name), &service.readiness) {
        (Some(Gate::Own(words)), Some(readiness)) => written(words, readiness),
        _ => Value::Null,
    }
}

fn written(words: &[String], readiness: &Readiness) -> Value {
    let mut out = Object::default();
    out.set("test", json!(words));
    out.set("interval", json!(elements::shown(INTERVAL)));
    out.set("timeout", json!(elements::shown(readiness.timeout)));
    out.set("retries", json!(readiness.within.as_secs().max(1)));
    out.value()
}

/// `depends_on` with whoever tells for a service that it is ready; and the services of which nobody tells.
pub(super) fn dependencies(service: &PlannedService, gates: &BTreeMap<String, Gate>) -> (Value, Vec<String>) {
    let mut out = Map::new();
    let mut untold = Vec::new();
    let mut add = |name: &str, condition: Condition| {
        out.insert(name.to_owned(), json!({ "condition": elements::condition(condition), "required": true }));
    };
    for (name, condition) in &service.depends_on {
        match (condition, gates.get(name)) {
            (Condition::Healthy, Some(Gate::Own(_))) => add(name, Condition::Healthy),
            (Condition::Healthy, Some(Gate::Relay(other) | Gate::Sidecar(other))) => {
                add(name, Condition::Started);
                add(other, Condition::Healthy);
            }
            (Condition::Healthy, gate) => {
                add(name, Condition::Started);
                untold.extend((gate == Some(&Gate::Unknown)).then(|| name.clone()));
            }
            (Condition::Started | Condition::Completed, _) => add(name, *condition),
        }
    }
    (Value::Object(out), untold)
}

/// Containers that do nothing but ask whether another one is ready.
pub(super) fn sidecars(plan: &Plan, gates: &BTreeMap<String, Gate>, to: &Destination<'_>) -> Map<String, Value> {
    // Any service of ours has the program in its image.
    let ours = plan.services.values().filter(|service| service.role != Role::User);
    let executable = ours.filter_map(|service| match &service.source {
        Source::Packaged { executable } => Some(executable),
        Source::Image { .. } | Source::Built(_) | Source::Executable { .. } | Source::Process => None,
    });
    let Some(executable) = executable.min_by_key(|executable| &executable.path) else { return Map::new() };
    let sidecars = gates.iter().filter_map(|(name, gate)| {
        let Gate::Sidecar(sidecar) = gate else { return None };
        let service = plan.services.get(name)?;
        Some((sidecar.clone(), sidecar_of(service, executable, to)?))
    });
    sidecars.collect()
}

fn sidecar_of(service: &PlannedService, executable: &Artifact, to: &Destination<'_>) -> Option<Value> {
    let readiness = service.readiness.as_ref()?;
    let mut out = Object::default();
    let (key, network, host) = match &service.network {
        ServiceNetwork::Networks(names) => ("networks", json!(names), service.name.as_str()),
        ServiceNetwork::SharedWith(owner) => ("network_mode", json!(format!("service:{owner}")), "127.0.0.1"),
        ServiceNetwork::Mode(mode) => ("network_mode", json!(mode), "127.0.0.1"),
        ServiceNetwork::Host => ("network_mode", json!("host"), "127.0.0.1"),
    };
    let Gate::Own(words) = probe(executable, &question(service, readiness, host)) else { return None };
    out.set("image", json!((to.packaged)(executable)));
    out.set("pull_policy", json!("never"));
    out.set("command", json!(["serve", "idle"]));
    out.set(key, network);
    out.set("depends_on", json!({ service.name.clone(): { "condition": "service_started", "required": true } }));
    out.set("healthcheck", written(&words, readiness));
    super::service::hardening(&mut out, &crate::plan::hardened());
    Some(out.value())
}
