//! A plan while it grows: steps, groups, objects, markers. Must not know checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use super::site::Site;
use super::{
    Action, Case, Credential, Group, Marker, ObjectId, Options, Phase, PlannedCell, PlannedObject, Role, Step, StepId,
    TestPlan, request,
};
use crate::access::{Resource, Rule};
use crate::api::Operation;
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
    shared: BTreeMap<(String, String), ObjectId>,
    owners: BTreeMap<String, Vec<String>>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(target: &'a Target, options: &'a Options, plan: TestPlan) -> Self {
        let mut draft =
            Self { target, options, plan, sites: BTreeMap::new(), shared: BTreeMap::new(), owners: BTreeMap::new() };
        for (name, resource) in &target.access.resources {
            let may = |persona: &&String| draft.may(&resource.create.operation, Some(persona), None);
            let owners = target.personas.keys().filter(may).cloned().collect();
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

    /// The personas asked for.
    #[must_use]
    pub fn personas(&self) -> Vec<String> {
        let wanted = &self.options.personas;
        self.target.personas.keys().filter(|name| wanted.is_empty() || wanted.contains(name)).cloned().collect()
    }

    /// The rule of an operation.
    #[must_use]
    pub fn rule(&self, operation: &str) -> Option<&'a Rule> {
        self.target.access.rules.get(operation)
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
        let marker = format!("canary-{:08x}-{:05}", self.plan.seed & 0xffff_ffff, self.plan.markers.len());
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

    /// Adds the making of an object to a group.
    pub fn create(&mut self, group: usize, resource: &str, owner: &str) -> Option<(ObjectId, StepId)> {
        let described = self.target.access.resources.get(resource)?;
        let operation = self.plan.operation(&described.create.operation)?.clone();
        let marker = self.marker(resource, owner);
        let object = self.plan.objects.len();
        let mut request = request::request(&operation, None, Credential::Persona(owner.to_owned()));
        request.body = Some(request::fill(&described.create.json, &marker));
        request.creates = Some(object);
        self.plan.objects.push(PlannedObject {
            resource: resource.to_owned(),
            owner: owner.to_owned(),
            marker,
            id_path: described.id.clone(),
        });
        Some((object, self.step(group, Role::Setup, Action::Request(Box::new(request)))))
    }

    /// The object of an owner that nobody changes; made before everything else.
    pub fn shared_object(&mut self, resource: &str, owner: &str) -> Option<ObjectId> {
        let key = (resource.to_owned(), owner.to_owned());
        if let Some(object) = self.shared.get(&key) {
            return Some(*object);
        }
        let group = self.group(Phase::Setup);
        let (object, _) = self.create(group, resource, owner)?;
        self.shared.insert(key, object);
        Some(object)
    }

    /// Reads an object as somebody, to see what became of it.
    pub fn read_back(&mut self, group: usize, object: ObjectId, persona: &str) -> Option<StepId> {
        let planned = self.plan.objects.get(object)?;
        let read = &self.target.access.resources.get(&planned.resource)?.read;
        let operation = self.plan.operation(read)?.clone();
        let request = request::request(&operation, Some(object), Credential::Persona(persona.to_owned()));
        Some(self.step(group, Role::Probe, Action::Request(Box::new(request))))
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
