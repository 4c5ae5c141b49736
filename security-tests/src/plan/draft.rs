//! A plan while it grows: steps, groups, objects, markers. Must not know checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use super::outline::Outline;
use super::site::Site;
use super::{Action, Case, Group, Marker, ObjectId, Options, Phase, PlannedCell, Role, Step, StepId, TestPlan, Trial};
use crate::access::{Resource, Rule};
use crate::api::Operation;
use crate::login::Carrier;
use crate::oracle::{Asked, Decision, expected};
use crate::target::Target;
use crate::verdict::Layer;

/// A plan while it grows.
pub struct Draft<'a> {
    /// What is tested.
    pub target: &'a Target,
    /// How.
    pub options: &'a Options,
    /// What there is so far.
    pub plan: TestPlan,
    pub(super) sites: BTreeMap<(String, Option<String>), Site>,
    /// What personas tried at a site with nothing but their own token. Not in the site, which is small and copied often.
    pub(super) tried: BTreeMap<(String, Option<String>), BTreeMap<String, Trial>>,
    /// Objects that nobody changes, with the group that makes them.
    pub(super) shared: BTreeMap<(String, String), (ObjectId, Option<usize>)>,
    outline: Arc<Outline>,
    /// The one operation of this part, when the plan is made in parts.
    part: Option<String>,
    /// Actors whose login is planned.
    pub(super) signed_in: BTreeSet<String>,
    /// How many passwords there are beside the first of each account.
    pub(super) secrets: usize,
    pub(super) carrier: Arc<Carrier>,
}

/// What holds for an operation without a rule: nobody may.
static UNDECIDED: LazyLock<Rule> = LazyLock::new(Rule::default);

impl<'a> Draft<'a> {
    pub(super) fn new(
        target: &'a Target,
        options: &'a Options,
        plan: TestPlan,
        (outline, part): (&Arc<Outline>, Option<String>),
    ) -> Self {
        Self {
            target,
            options,
            plan,
            sites: BTreeMap::new(),
            tried: BTreeMap::new(),
            shared: BTreeMap::new(),
            outline: Arc::clone(outline),
            part,
            signed_in: BTreeSet::new(),
            secrets: 0,
            carrier: Arc::new(target.access.login.as_ref().map(|login| login.carrier.clone()).unwrap_or_default()),
        }
    }

    /// Whether a layer was asked for and can run.
    #[must_use]
    pub fn runs(&self, layer: Layer) -> bool {
        self.plan.layers.iter().any(|planned| planned.layer == layer && planned.skipped.is_none())
    }

    /// The operations to test: those asked for that have a rule; of a part, its one.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        self.selected().filter(|operation| self.is_decided(&operation.id)).cloned().collect()
    }

    /// The operations asked for; of a part, its one.
    pub fn selected(&self) -> impl Iterator<Item = &Operation> {
        let part = self.part.as_ref();
        let whole = if part.is_none() { &*self.plan.operations } else { &[] };
        let asked_for = whole.iter().filter(|operation| self.is_asked_for(&operation.id));
        part.and_then(|part| self.plan.operations.get(part)).into_iter().chain(asked_for)
    }

    /// The operations to test in the whole run, whatever this part is: who chooses one of them chooses the same in
    /// every part, and plans it where [`is_asked_for`](Self::is_asked_for) says so.
    pub fn operations_of_run(&self) -> impl Iterator<Item = &Operation> {
        let wanted = &self.options.operations;
        let is_wanted = move |operation: &&Operation| wanted.is_empty() || wanted.contains(&operation.id);
        self.plan.operations.iter().filter(is_wanted).filter(|operation| self.is_decided(&operation.id))
    }

    /// Whether cases of an operation are planned here.
    #[must_use]
    pub fn is_asked_for(&self, operation: &str) -> bool {
        let wanted = &self.options.operations;
        match &self.part {
            Some(part) => part == operation,
            None => wanted.is_empty() || wanted.iter().any(|wanted| wanted == operation),
        }
    }

    /// Whether this plan, or this part of one, is the one that asks what belongs to no operation.
    #[must_use]
    pub fn is_first(&self) -> bool {
        let first = self.plan.operations.first().map(|operation| &operation.id);
        self.part.is_none() || self.part.as_ref() == first
    }

    /// The operation that gets the full set of forged tokens; chosen once for all parts.
    pub(crate) fn representative(&self, choose: impl FnOnce(&Self) -> Option<String>) -> Option<&str> {
        self.outline.representative.get_or_init(|| choose(self)).as_deref()
    }

    /// The personas asked for, as far as somebody can act as them.
    #[must_use]
    pub fn personas(&self) -> Vec<String> {
        let wanted = &self.options.personas;
        self.target.actors().filter(|name| wanted.is_empty() || wanted.contains(name)).cloned().collect()
    }

    /// The rule of an operation. One without a rule is denied to everybody; trying that is only safe when it promises
    /// to change nothing.
    #[must_use]
    pub fn rule(&self, operation: &str) -> Option<&'a Rule> {
        let undecided = || self.plan.operation(operation).filter(|operation| operation.is_safe()).map(|_| &*UNDECIDED);
        self.target.access.rules.get(operation).or_else(undecided)
    }

    /// Whether somebody wrote down who may call an operation.
    #[must_use]
    pub fn is_decided(&self, operation: &str) -> bool {
        self.target.access.rules.contains_key(operation)
    }

    /// The kind of object that an operation works on.
    #[must_use]
    pub fn resource_of(&self, operation: &str) -> Option<(&'a str, &'a Resource)> {
        let name = self.rule(operation)?.on.as_ref()?;
        self.target.access.resources.get(name).map(|resource| (name.as_str(), resource))
    }

    /// Whether somebody may do something, by the oracle of the run. `build` made sure that it answers.
    #[must_use]
    pub fn may(&self, operation: &str, persona: Option<&str>, owner: Option<&str>) -> bool {
        expected(self.target, Asked { operation, persona, owner }) == Ok(Decision::Allow)
    }

    /// Who can make objects of a kind.
    #[must_use]
    pub fn owners(&self, resource: &str) -> Arc<[String]> {
        self.outline.owners.get(resource).cloned().unwrap_or_default()
    }

    /// A marker that nothing else contains.
    pub fn marker(&mut self, resource: &str, owner: &str) -> String {
        // Letters and digits only: it goes into names, addresses and paths.
        let marker = format!("{}{:05}", marker_prefix(&self.plan), self.plan.markers.len());
        let betrays = Marker { resource: resource.to_owned(), owner: owner.to_owned() };
        self.plan.markers.insert(marker.clone(), betrays);
        marker
    }

    /// Opens a group.
    pub fn group(&mut self, phase: Phase) -> usize {
        self.plan.groups.push(Group { phase, steps: Vec::new() });
        self.plan.groups.len() - 1
    }

    /// Adds a step to a group.
    pub fn step(&mut self, group: usize, role: Role, action: Action) -> StepId {
        let id = self.plan.steps.len();
        self.plan.steps.push(Step { role, action });
        if let Some(group) = self.plan.groups.get_mut(group) {
            group.steps.push(id);
        }
        id
    }

    /// Adds a case.
    pub fn case(&mut self, case: Case) {
        self.plan.cases.push(case);
    }

    /// The planned cells of an operation.
    #[must_use]
    pub fn cells_of(&self, operation: &str) -> Vec<PlannedCell> {
        self.plan.cells.iter().filter(|cell| cell.operation == operation).cloned().collect()
    }
}

/// What all markers of a run begin with; five digits follow.
#[must_use]
pub(crate) fn marker_prefix(plan: &TestPlan) -> String {
    format!("canary{}", plan.salt())
}
