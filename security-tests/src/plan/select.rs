//! A plan narrowed to some of its cases: one shard, or what is replayed. What they need stays, the rest is not sent.
//! Must not know single checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Case, Detail, Group, ObjectId, Phase, PlanError, SignIn, StepId, TestPlan, Trial};

/// Narrows a plan to its shard and to the cases asked for.
pub(super) fn select(plan: &mut TestPlan) -> Result<(), PlanError> {
    if plan.scope.only.is_empty() && plan.scope.shard.is_none() {
        return Ok(());
    }
    if let Some(shard) = plan.scope.shard {
        let costs = costs(plan);
        let ours: BTreeSet<String> = shard.operations(&costs).into_iter().map(str::to_owned).collect();
        if ours.is_empty() {
            return Err(PlanError::EmptyShard { shard, operations: costs.len() });
        }
        plan.cases.retain(|case| ours.contains(&case.operation));
        plan.cells.retain(|cell| ours.contains(&cell.operation));
        plan.anonymous.retain(|operation, _| ours.contains(operation));
    }
    let only = plan.scope.only.clone();
    if !only.is_empty() {
        plan.cases.retain(|case| is_asked_for(&only, &case.id, (case.check, &case.operation)));
        let operations: BTreeSet<&str> = plan.cases.iter().map(|case| case.operation.as_str()).collect();
        plan.anonymous.retain(|operation, _| operations.contains(operation.as_str()));
        let steps: BTreeSet<StepId> = plan.cases.iter().flat_map(Case::steps).collect();
        plan.cells.retain(|cell| cell.trial.as_ref().is_some_and(|trial| steps.contains(&trial.attack)));
    }
    prune(plan);
    Ok(())
}

/// Whether a case was asked for, by its own id or by that of its finding.
pub(crate) fn is_asked_for(only: &[String], case: &str, (check, operation): (&str, &str)) -> bool {
    let finding = format!("{check}:{operation}");
    let any = ["server-error", "fragile-verifier"].map(|failure| format!("{failure}:{operation}"));
    only.is_empty() || only.iter().any(|id| id == case || *id == finding || any.contains(id))
}

/// How many steps each operation costs; operations without a case cost one, for their cells.
fn costs(plan: &TestPlan) -> BTreeMap<&str, usize> {
    let mut steps: BTreeMap<&str, BTreeSet<StepId>> = BTreeMap::new();
    for cell in &plan.cells {
        let trial = cell.trial.iter().flat_map(Trial::steps);
        steps.entry(&cell.operation).or_default().extend(trial);
    }
    for case in &plan.cases {
        steps.entry(&case.operation).or_default().extend(case.steps());
    }
    steps.into_iter().map(|(operation, steps)| (operation, steps.len())).collect()
}

/// Drops steps that no case and no cell needs. Objects that everything shares stay: lists are judged by what they hold.
fn prune(plan: &mut TestPlan) {
    let mut needed: BTreeSet<StepId> = plan.cases.iter().flat_map(Case::steps).collect();
    needed.extend(plan.cells.iter().filter_map(|cell| cell.trial.as_ref()).flat_map(Trial::steps));
    needed.extend(plan.anonymous.values());
    add_makers(plan, &mut needed);
    let signs_in = logins_of(plan, &needed);
    let whole: Vec<bool> = plan.groups.iter().map(|group| is_whole(plan, group)).collect();
    for (group, whole) in plan.groups.iter_mut().zip(whole) {
        let any = group.steps.iter().any(|step| needed.contains(step) || signs_in.contains(step));
        if !whole {
            group.steps.retain(|step| needed.contains(step));
        } else if !any && !is_frame(group.phase) {
            group.steps.clear();
        }
    }
    plan.groups.retain(|group| !group.steps.is_empty());
}

/// Whether the steps of a group only make sense together: a change and its way back, a fresh token and its use.
fn is_whole(plan: &TestPlan, group: &Group) -> bool {
    let action = |step: &StepId| plan.steps.get(*step).map(|step| &step.action);
    let alone = |step: &StepId| match action(step) {
        Some(Action::Request(request)) => request.signs_in.is_none(),
        Some(_) => false,
        None => true,
    };
    is_frame(group.phase) || !group.steps.iter().all(alone)
}

/// Phases that every run needs: accounts, shared objects, the API at its start.
fn is_frame(phase: Phase) -> bool {
    matches!(phase, Phase::Begin | Phase::Accounts | Phase::Setup | Phase::End)
}

/// The logins of those whose tokens the steps need.
fn logins_of(plan: &TestPlan, needed: &BTreeSet<StepId>) -> BTreeSet<StepId> {
    let request = |step: &StepId| match plan.steps.get(*step).map(|step| &step.action) {
        Some(Action::Request(request)) => Some(request),
        _ => None,
    };
    let actors: BTreeSet<&str> =
        needed.iter().filter_map(request).map(|request| request.credential.persona()).collect();
    let of_them = |step: &StepId| {
        let signs_in = request(step).and_then(|request| request.signs_in.as_ref());
        matches!(signs_in, Some(SignIn::Keep(actor)) if actors.contains(actor.as_str()))
    };
    (0..plan.steps.len()).filter(of_them).collect()
}

/// Adds the steps that make the objects of needed steps, and those that these are inside of.
fn add_makers(plan: &TestPlan, needed: &mut BTreeSet<StepId>) {
    let creates = |step: &StepId| match plan.steps.get(*step).map(|step| &step.action) {
        Some(Action::Request(request)) => request.creates,
        _ => None,
    };
    let makers: BTreeMap<ObjectId, StepId> =
        (0..plan.steps.len()).filter_map(|step| Some((creates(&step)?, step))).collect();
    let mut open: Vec<StepId> = needed.iter().copied().collect();
    while let Some(step) = open.pop() {
        let of_objects = objects_of(plan, step).into_iter().filter_map(|object| makers.get(&object).copied());
        open.extend(of_objects.filter(|maker| needed.insert(*maker)));
    }
}

/// The objects that a step names: in its path all those that one is inside of, in its body two under one key.
fn objects_of(plan: &TestPlan, step: StepId) -> Vec<ObjectId> {
    let Some(Action::Request(request)) = plan.steps.get(step).map(|step| &step.action) else { return Vec::new() };
    let texts = std::iter::once(&request.path).chain(request.headers.iter().map(|(_, value)| value));
    let numbers = texts.flat_map(|text| text.split("${object:").skip(1)).filter_map(|rest| rest.split_once('}'));
    let named = numbers.filter_map(|(number, _)| number.parse().ok());
    named.chain(request.twice.iter().flat_map(|twice| [twice.first, twice.last])).collect()
}

impl Case {
    /// All steps that its judge may look at.
    #[must_use]
    pub fn steps(&self) -> Vec<StepId> {
        let mut steps: Vec<StepId> = self.trial.steps().collect();
        match &self.detail {
            Detail::None | Detail::Impersonation | Detail::Sensitive(_) | Detail::Successor(_) => {}
            Detail::WrongPassword(_, refused) => steps.extend(refused),
            Detail::List(lists, _) => steps.extend(lists.iter().map(|(step, _)| *step)),
            Detail::Hidden(_, control) => steps.extend(control),
            Detail::Assigned(assigned) => steps.extend(assigned.baseline.iter().chain(&assigned.reads)),
            Detail::Raised(trial) => steps.extend(trial.steps()),
            Detail::Where(step) | Detail::Failing(step, _) => steps.push(*step),
            Detail::Flow(subject) => steps.extend(subject.steps()),
        }
        steps
    }
}

impl Trial {
    /// All of its steps.
    pub fn steps(&self) -> impl Iterator<Item = StepId> {
        let control = self.control.iter().flat_map(|control| [Some(control.step), control.before, control.after]);
        let controls = self.control.iter().filter_map(|control| control.sign_in);
        let proofs = self.sign_in.into_iter().chain(controls).flat_map(|proof| [proof.with_new, proof.with_old]);
        let own = [Some(self.attack), self.before, self.after].into_iter().chain(control).flatten().chain(proofs);
        own.chain(self.needs.iter().copied())
    }
}
