//! A plan while it grows: steps, groups, objects, markers. Must not know checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::site::Site;
use super::{Action, Case, Group, Marker, ObjectId, Options, Phase, PlannedCell, Role, Step, StepId, TestPlan};
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
    /// Objects that nobody changes, with the group that makes them.
    pub(super) shared: BTreeMap<(String, String), (ObjectId, Option<usize>)>,
    owners: BTreeMap<String, Vec<String>>,
    /// Actors whose login is planned.
    pub(super) signed_in: BTreeSet<String>,
    /// How many passwords there are beside the first of each account.
    pub(super) secrets: usize,
    pub(super) carrier: Arc<Carrier>,
}

/// What holds for an operation without a rule: nobody may.
static UNDECIDED: Rule =
    Rule { on: None, allow: Vec::new(), only: None, destructive: false, prepare: None, json: None };

impl<'a> Draft<'a> {
    pub(super) fn new(target: &'a Target, options: &'a Options, plan: TestPlan) -> Self {
        let mut draft = Self {
            target,
            options,
            plan,
            sites: BTreeMap::new(),
            shared: BTreeMap::new(),
            owners: BTreeMap::new(),
            signed_in: BTreeSet::new(),
            secrets: 0,
            carrier: Arc::new(target.access.login.as_ref().map(|login| login.carrier.clone()).unwrap_or_default()),
        };
        for (name, resource) in &target.access.resources {
            let owners = match &resource.create {
                Some(create) => {
                    let may = |persona: &&String| draft.may(&create.operation, Some(persona), None);
                    target.actors().filter(may).cloned().collect()
                }
                None => account_owners(target),
            };
            draft.owners.insert(name.clone(), owners);
        }
        draft
    }

    /// Whether a layer was asked for and can run.
    #[must_use]
    pub fn runs(&self, layer: Layer) -> bool {
        self.plan.layers.iter().any(|planned| planned.layer == layer && planned.skipped.is_none())
    }

    /// The operations to test: those asked for that have a rule.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        let rules = &self.target.access.rules;
        self.selected().filter(|operation| rules.contains_key(&operation.id)).cloned().collect()
    }

    /// The operations asked for.
    pub fn selected(&self) -> impl Iterator<Item = &Operation> {
        let wanted = &self.options.operations;
        self.plan.operations.iter().filter(move |operation| wanted.is_empty() || wanted.contains(&operation.id))
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
        let undecided = || self.plan.operation(operation).filter(|operation| operation.is_safe()).map(|_| &UNDECIDED);
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
    pub fn owners(&self, resource: &str) -> Vec<String> {
        self.owners.get(resource).cloned().unwrap_or_default()
    }

    /// A marker that nothing else contains.
    pub fn marker(&mut self, resource: &str, owner: &str) -> String {
        // Letters and digits only: it goes into names, addresses and paths.
        let marker = format!("{}{:05}", marker_prefix(self.plan.seed), self.plan.markers.len());
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

    /// Whose objects nobody but the rightful readers may see, for each persona and for anonymous.
    pub(super) fn forbid(&mut self) {
        let callers: Vec<Option<&String>> = self.target.personas.keys().map(Some).chain([None]).collect();
        for caller in callers {
            let mut forbidden = BTreeSet::new();
            for (name, resource) in &self.target.access.resources {
                let denied = |owner: &&String| !self.may(&resource.read, caller.map(String::as_str), Some(owner));
                let owners = self.target.personas.keys().filter(denied);
                forbidden.extend(owners.map(|owner| (name.clone(), owner.clone())));
            }
            self.plan.forbidden.insert(caller.cloned().unwrap_or_default(), forbidden);
        }
    }

    /// The planned cells of an operation.
    #[must_use]
    pub fn cells_of(&self, operation: &str) -> Vec<PlannedCell> {
        self.plan.cells.iter().filter(|cell| cell.operation == operation).cloned().collect()
    }
}

/// What all markers of a run begin with; five digits follow.
#[must_use]
pub(crate) fn marker_prefix(seed: u64) -> String {
    format!("canary{:08x}", seed & 0xffff_ffff)
}

/// Everybody has an account: first those who can be given another one, then the others, at last mere victims.
fn account_owners(target: &Target) -> Vec<String> {
    let mut owners: Vec<&String> = target.personas.keys().collect();
    owners
        .sort_by_key(|name| target.personas.get(*name).map(|persona| (persona.account.is_some(), !persona.can_act())));
    owners.into_iter().cloned().collect()
}
