//! Plan and observation to steps: what must change, why, and in which order. Pure.
//!
//! Must not know how a step is done, nor how long anything takes.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::observed::{Observed, ObservedService, ServiceState};
use crate::engine::step::{Action, Cause, Step};
use crate::manifest::Condition;
use crate::plan::{Plan, PlannedService, Role, ServiceNetwork};

/// What the steps shall lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The plan runs; with names: these services and what they need, and nothing else is touched.
    Up {
        /// Empty: all.
        only: BTreeSet<String>,
    },
    /// Nothing runs; everything is left to be started again. With names: only these (and their relays).
    Stop {
        /// Empty: all.
        only: BTreeSet<String>,
    },
    /// What is there is ended and started again, with whoever lives in its network. With names: only these.
    Restart {
        /// Empty: all.
        only: BTreeSet<String>,
    },
    /// Everything that runs is frozen.
    Sleep,
    /// Everything that is frozen goes on.
    Wake,
    /// The same at once: nobody gets the time to end gracefully, and nobody is waited for.
    Kill,
    /// Nothing of the project is left.
    Down {
        /// Named volumes go as well.
        volumes: bool,
    },
}

/// The steps from what is to what shall be. Nothing to do: an empty list.
#[must_use]
pub fn reconcile(plan: &Plan, observed: &Observed, goal: &Goal) -> Vec<Step> {
    match goal {
        Goal::Up { only } => up(plan, observed, only),
        Goal::Stop { only } => stop(plan, observed, only).0,
        Goal::Restart { only } => restart(plan, observed, only).0,
        Goal::Sleep => freeze(plan, observed),
        Goal::Wake => thaw(plan, observed),
        Goal::Kill => kill(observed),
        Goal::Down { volumes } => down(plan, observed, *volumes),
    }
}

/// Services in an order in which each comes after everything that it needs; cycles are the manifest's business and are
/// cut here.
#[must_use]
pub fn start_order(plan: &Plan) -> Vec<&str> {
    fn visit<'a>(plan: &'a Plan, name: &'a str, seen: &mut BTreeSet<&'a str>, order: &mut Vec<&'a str>) {
        let Some(service) = plan.services.get(name) else { return };
        if !seen.insert(name) {
            return;
        }
        for needed in needs(service) {
            visit(plan, needed, seen, order);
        }
        order.push(name);
    }
    let (mut seen, mut order) = (BTreeSet::new(), Vec::new());
    for name in plan.services.keys() {
        visit(plan, name, &mut seen, &mut order);
    }
    order
}

/// Whatever must be there before a service can start: dependencies, and the owner of its network namespace.
fn needs(service: &PlannedService) -> impl Iterator<Item = &str> {
    let shared = match &service.network {
        ServiceNetwork::SharedWith(owner) => Some(owner.as_str()),
        ServiceNetwork::Networks(_) | ServiceNetwork::Mode(_) | ServiceNetwork::Host => None,
    };
    service.depends_on.keys().map(String::as_str).chain(shared)
}

/// What happens to one service.
enum Fate {
    Keep,
    Start(Cause),
    Make { cause: Cause, remove_first: bool },
}

fn up(plan: &Plan, observed: &Observed, only: &BTreeSet<String>) -> Vec<Step> {
    let mut list = Steps::default();
    let wanted = closure(plan, only);
    remove_orphans(&mut list, plan, observed, only);
    let fates = fates(plan, observed, &wanted);
    if fates.values().any(|fate| matches!(fate, Fate::Make { .. })) {
        create_networks_and_volumes(&mut list, plan, observed);
    }
    for name in start_order(plan) {
        if let (Some(service), Some(fate)) = (plan.services.get(name), fates.get(name)) {
            bring_up(&mut list, plan, service, fate);
            if matches!(fate, Fate::Keep) && service.readiness.is_some() && observed.unproven.contains(name) {
                prove(&mut list, name);
            }
        }
    }
    list.0
}

/// The named services with all that they need, transitively; all services when none is named.
fn closure<'a>(plan: &'a Plan, only: &'a BTreeSet<String>) -> BTreeSet<&'a str> {
    let mut open: Vec<&str> = if only.is_empty() {
        plan.services.keys().map(String::as_str).collect()
    } else {
        only.iter().map(String::as_str).collect()
    };
    let mut wanted = BTreeSet::new();
    while let Some(name) = open.pop() {
        if let Some(service) = plan.services.get(name)
            && wanted.insert(name)
        {
            open.extend(needs(service));
        }
    }
    wanted
}

fn fates<'a>(plan: &'a Plan, observed: &Observed, wanted: &BTreeSet<&'a str>) -> BTreeMap<&'a str, Fate> {
    let mut fates: BTreeMap<&str, Fate> = BTreeMap::new();
    for name in start_order(plan) {
        let Some(service) = plan.services.get(name).filter(|_| wanted.contains(name)) else { continue };
        let mut fate = own_fate(plan, service, observed.services.get(name));
        if let ServiceNetwork::SharedWith(owner) = &service.network
            && !matches!(fates.get(owner.as_str()), Some(Fate::Keep) | None)
            && !matches!(fate, Fate::Make { .. })
        {
            fate = Fate::Make { cause: Cause::Follows(owner.clone()), remove_first: true };
        }
        fates.insert(name, fate);
    }
    fates
}

fn own_fate(plan: &Plan, service: &PlannedService, observed: Option<&ObservedService>) -> Fate {
    let Some(observed) = observed else { return Fate::Make { cause: Cause::Missing, remove_first: false } };
    let changed = observed.fingerprint.differences(&service.fingerprint);
    if !changed.is_empty() {
        return Fate::Make { cause: Cause::Changed(changed), remove_first: true };
    }
    if observed.detached {
        return Fate::Make { cause: Cause::NotRunning, remove_first: true };
    }
    let drift = drift(plan, service, observed);
    if !drift.is_empty() {
        return Fate::Make { cause: Cause::Drifted(drift), remove_first: true };
    }
    match &observed.state {
        ServiceState::Running | ServiceState::Restarting => Fate::Keep,
        ServiceState::Paused => Fate::Start(Cause::Drifted(vec!["paused".to_owned()])),
        ServiceState::Exited { code: 0 } if awaited_to_complete(plan, &service.name) => Fate::Keep,
        // What is in memory is lost anyway, and older engines mount it with wrong rights when a container starts again.
        ServiceState::Exited { .. } if !service.tmpfs.is_empty() && !service.on_host() => {
            Fate::Make { cause: Cause::NotRunning, remove_first: true }
        }
        ServiceState::Created | ServiceState::Exited { .. } => Fate::Start(Cause::NotRunning),
        ServiceState::Orphaned => Fate::Make { cause: Cause::NotRunning, remove_first: true },
    }
}

/// How something that runs differs from the plan although it was made from it. What does not run may be incomplete still.
fn drift(plan: &Plan, service: &PlannedService, observed: &ObservedService) -> Vec<String> {
    if !matches!(observed.state, ServiceState::Running | ServiceState::Restarting) {
        return vec![];
    }
    let mut drift = Vec::new();
    if let (ServiceNetwork::Networks(keys), Some(found)) = (&service.network, &observed.circumstances.networks) {
        let name = |key: &String| plan.networks.get(key).map_or(key, |network| &network.name).clone();
        let wanted: BTreeSet<String> = keys.iter().map(name).collect();
        drift.extend(wanted.difference(found).map(|network| format!("not in network `{network}`")));
        drift.extend(found.difference(&wanted).map(|network| format!("in network `{network}`")));
    }
    if observed.circumstances.restart.is_some_and(|restart| restart != service.restart) {
        drift.push("restart policy".to_owned());
    }
    drift
}

/// Whether somebody depends on the service's successful end: having ended is then its right state.
fn awaited_to_complete(plan: &Plan, name: &str) -> bool {
    plan.services.values().any(|other| other.depends_on.get(name) == Some(&Condition::Completed))
}

fn remove_orphans(list: &mut Steps, plan: &Plan, observed: &Observed, only: &BTreeSet<String>) {
    if !only.is_empty() {
        return;
    }
    let removed: Vec<usize> = observed
        .services
        .keys()
        .filter(|name| !plan.services.contains_key(*name))
        .map(|name| list.push(Action::Remove(name.clone()), Cause::Orphan, vec![]))
        .collect();
    for network in observed.networks.iter().filter(|name| !plan.networks.contains_key(*name)) {
        list.push(Action::RemoveNetwork(network.clone()), Cause::Orphan, removed.clone());
    }
}

fn create_networks_and_volumes(list: &mut Steps, plan: &Plan, observed: &Observed) {
    for (name, network) in &plan.networks {
        if !network.external && !observed.networks.contains(name) {
            list.push(Action::CreateNetwork(name.clone()), Cause::Missing, vec![]);
        }
    }
    for (name, volume) in &plan.volumes {
        if !volume.external && !observed.volumes.contains(name) {
            list.push(Action::CreateVolume(name.clone()), Cause::Missing, vec![]);
        }
    }
}

fn bring_up(list: &mut Steps, plan: &Plan, service: &PlannedService, fate: &Fate) {
    let name = &service.name;
    let (cause, made) = match fate {
        Fate::Keep => return,
        Fate::Start(cause) => (cause, None),
        Fate::Make { cause, remove_first } => (cause, Some(make(list, service, cause, *remove_first))),
    };
    let mut after: Vec<usize> = made.into_iter().collect();
    after.extend(conditions(list, plan, service));
    if let ServiceNetwork::SharedWith(owner) = &service.network {
        after.extend(list.find(&Action::Start(owner.clone())));
    }
    let started = list.push(Action::Start(name.clone()), cause.clone(), after);
    // Who is awaited to complete is waited for once: a failure would otherwise be told twice.
    let wait = if awaited_to_complete(plan, name) { Action::AwaitExit } else { Action::AwaitReady };
    list.push(wait(name.clone()), cause.clone(), vec![started]);
}

/// Waits for a service that an earlier run started and did not wait for.
fn prove(list: &mut Steps, name: &str) {
    let wait = Action::AwaitReady(name.to_owned());
    if list.find(&wait).is_none() {
        list.push(wait, Cause::Unproven, vec![]);
    }
}

/// Provide while the old one still runs, then remove it, then create: the gap is as short as can be.
fn make(list: &mut Steps, service: &PlannedService, cause: &Cause, remove_first: bool) -> usize {
    let name = &service.name;
    let provided = list.push(Action::Provide(name.clone()), cause.clone(), vec![]);
    let mut after = vec![provided];
    if remove_first {
        after.push(list.push(Action::Remove(name.clone()), cause.clone(), vec![provided]));
    }
    match &service.network {
        ServiceNetwork::Networks(names) => {
            after.extend(names.iter().filter_map(|network| list.find(&Action::CreateNetwork(network.clone()))));
        }
        ServiceNetwork::SharedWith(owner) => after.extend(list.find(&Action::Create(owner.clone()))),
        ServiceNetwork::Mode(_) | ServiceNetwork::Host => {}
    }
    for mount in &service.mounts {
        if let crate::plan::PlannedMountSource::Volume(volume) = &mount.source {
            after.extend(list.find(&Action::CreateVolume(volume.clone())));
        }
    }
    list.push(Action::Create(name.clone()), cause.clone(), after)
}

/// A step for each condition that the service waits for; an existing step where there is one.
fn conditions(list: &mut Steps, plan: &Plan, service: &PlannedService) -> Vec<usize> {
    let mut after = Vec::new();
    for (dependency, condition) in &service.depends_on {
        if !plan.services.contains_key(dependency) {
            continue;
        }
        let started = list.find(&Action::Start(dependency.clone()));
        let wait = match condition {
            Condition::Started => {
                after.extend(started);
                continue;
            }
            Condition::Healthy => Action::AwaitReady(dependency.clone()),
            Condition::Completed => Action::AwaitExit(dependency.clone()),
        };
        let step = list
            .find(&wait)
            .unwrap_or_else(|| list.push(wait, Cause::Wanted(service.name.clone()), started.into_iter().collect()));
        after.push(step);
    }
    after
}

/// Everything that was observed, dependants before what they depend on.
fn stop_order<'a>(plan: &'a Plan, observed: &'a Observed) -> Vec<&'a str> {
    let mut order = start_order(plan);
    order.reverse();
    let unknown = observed.services.keys().map(String::as_str).filter(|name| !plan.services.contains_key(*name));
    unknown.chain(order).filter(|name| observed.services.contains_key(*name)).collect()
}

fn stop(plan: &Plan, observed: &Observed, only: &BTreeSet<String>) -> Steps {
    let mut list = Steps::default();
    let named = |name: &str| {
        let relay_of = plan.services.get(name).and_then(|service| match &service.role {
            Role::Relay { of } => Some(of),
            Role::BuiltIn | Role::User => None,
        });
        only.is_empty() || only.contains(name) || relay_of.is_some_and(|of| only.contains(of))
    };
    for name in stop_order(plan, observed).into_iter().filter(|name| named(name)) {
        if observed.services.get(name).is_some_and(runs) {
            let after = dependants(plan, name).filter_map(|other| list.find(&Action::Stop(other.into()))).collect();
            list.push(Action::Stop(name.into()), Cause::Requested, after);
        }
    }
    list
}

/// Stops in one order and starts in the other. A relay stays as it is when only its service is named.
fn restart(plan: &Plan, observed: &Observed, only: &BTreeSet<String>) -> Steps {
    let there = |name: &str| observed.services.contains_key(name) && plan.services.contains_key(name);
    let mut again: BTreeSet<&str> = plan.services.keys().map(String::as_str).filter(|name| there(name)).collect();
    if !only.is_empty() {
        let lives_in_named = |name: &str| match plan.services.get(name).map(|service| &service.network) {
            Some(ServiceNetwork::SharedWith(owner)) => only.contains(owner),
            _ => false,
        };
        again.retain(|name| only.contains(*name) || lives_in_named(name));
    }
    let mut list = Steps::default();
    for name in stop_order(plan, observed).into_iter().filter(|name| again.contains(name)) {
        if observed.services.get(name).is_some_and(runs) {
            let after = dependants(plan, name).filter_map(|other| list.find(&Action::Stop(other.into()))).collect();
            list.push(Action::Stop(name.into()), Cause::Requested, after);
        }
    }
    for name in start_order(plan).into_iter().filter(|name| again.contains(name)) {
        let Some(service) = plan.services.get(name) else { continue };
        let in_memory = !service.tmpfs.is_empty() && !service.on_host();
        let fate = match in_memory {
            true => Fate::Make { cause: Cause::Requested, remove_first: true },
            false => Fate::Start(Cause::Requested),
        };
        let stopped = list.find(&Action::Stop(name.into()));
        bring_up(&mut list, plan, service, &fate);
        let first = if in_memory { Action::Remove(name.into()) } else { Action::Start(name.into()) };
        if let (Some(stopped), Some(first)) = (stopped, list.find(&first)) {
            list.wait_for(first, stopped);
        }
    }
    list
}

fn freeze(plan: &Plan, observed: &Observed) -> Vec<Step> {
    let mut list = Steps::default();
    for name in stop_order(plan, observed) {
        if observed.services.get(name).is_some_and(|service| service.state == ServiceState::Running) {
            list.push(Action::Pause(name.into()), Cause::Requested, vec![]);
        }
    }
    list.0
}

fn thaw(plan: &Plan, observed: &Observed) -> Vec<Step> {
    let mut list = Steps::default();
    for name in stop_order(plan, observed) {
        if observed.services.get(name).is_some_and(|service| service.state == ServiceState::Paused) {
            list.push(Action::Resume(name.into()), Cause::Requested, vec![]);
        }
    }
    list.0
}

/// Orphaned processes included: they hold ports, and whoever kills wants them gone.
fn kill(observed: &Observed) -> Vec<Step> {
    let mut list = Steps::default();
    for (name, service) in &observed.services {
        if runs(service) || service.state == ServiceState::Orphaned {
            list.push(Action::Kill(name.clone()), Cause::Requested, vec![]);
        }
    }
    list.0
}

fn runs(service: &ObservedService) -> bool {
    matches!(service.state, ServiceState::Running | ServiceState::Restarting | ServiceState::Paused)
}

fn down(plan: &Plan, observed: &Observed, volumes: bool) -> Vec<Step> {
    let mut list = stop(plan, observed, &BTreeSet::new());
    let mut removed = Vec::new();
    for name in stop_order(plan, observed) {
        let mut after: Vec<usize> = list.find(&Action::Stop(name.into())).into_iter().collect();
        after.extend(dependants(plan, name).filter_map(|other| list.find(&Action::Remove(other.into()))));
        removed.push(list.push(Action::Remove(name.into()), Cause::Requested, after));
    }
    for network in &observed.networks {
        list.push(Action::RemoveNetwork(network.clone()), Cause::Requested, removed.clone());
    }
    if volumes {
        for volume in &observed.volumes {
            list.push(Action::RemoveVolume(volume.clone()), Cause::Requested, removed.clone());
        }
    }
    list.0
}

/// Services that need this one: they end before it does.
fn dependants<'a>(plan: &'a Plan, name: &'a str) -> impl Iterator<Item = &'a str> {
    plan.services
        .values()
        .filter(move |other| needs(other).any(|needed| needed == name))
        .map(|other| other.name.as_str())
}

/// A list of steps under construction.
#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    fn push(&mut self, action: Action, cause: Cause, mut after: Vec<usize>) -> usize {
        after.sort_unstable();
        after.dedup();
        self.0.push(Step { action, cause, after });
        self.0.len() - 1
    }

    /// A step waits for another one, too.
    fn wait_for(&mut self, step: usize, other: usize) {
        if let Some(step) = self.0.get_mut(step) {
            step.after.push(other);
            step.after.sort_unstable();
        }
    }

    fn find(&self, action: &Action) -> Option<usize> {
        self.0.iter().position(|step| step.action == *action)
    }
}

#[cfg(test)]
mod tests;
