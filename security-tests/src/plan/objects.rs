//! Objects that tests are made on: created by their owners, shared or used up, read back. Must not know checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use super::{Action, Credential, Draft, ObjectId, Phase, PlannedObject, Request, Role, StepId, request};
use crate::access::Identifier;
use crate::api::Operation;
use crate::oracle::is_for_anyone;

impl Draft<'_> {
    /// Adds the making of an object to a group.
    pub fn create(&mut self, group: usize, resource: &str, owner: &str) -> Option<(ObjectId, StepId)> {
        let described = self.target.access.resources.get(resource)?;
        let Some(create) = &described.create else {
            let (actor, step) = self.register(group, owner, None, &[])?;
            return Some((self.account_object(resource, owner, &actor), step));
        };
        let operation = self.plan.operation(&create.operation)?.clone();
        let marker = self.marker(resource, owner);
        let object = self.expect_object(resource, owner, &marker)?;
        let parent = self.plan.objects.get(object)?.parent;
        let mut request = self.request(&operation, parent, Credential::Persona(owner.to_owned()));
        let mut values = self.account_values(owner);
        values.push(("canary", marker));
        request.body = Some(request::replace(&create.json, &values));
        request.creates = Some(object);
        Some((object, self.step(group, Role::Setup, Action::Request(Box::new(request)))))
    }

    /// An object that a request is about to make.
    pub fn expect_object(&mut self, resource: &str, owner: &str, marker: &str) -> Option<ObjectId> {
        let described = self.target.access.resources.get(resource)?;
        let parent = match &described.within {
            Some(within) => Some(self.shared_object(within, owner)?),
            None => None,
        };
        let mut values = self.account_values(owner);
        values.push(("canary", marker.to_owned()));
        let id = match &described.id {
            Identifier::Sent(text) => Identifier::Sent(request::replace_text(text, &values)),
            Identifier::Answered(place) => Identifier::Answered(place.clone()),
        };
        self.plan.objects.push(PlannedObject {
            resource: resource.to_owned(),
            owner: owner.to_owned(),
            marker: marker.to_owned(),
            id,
            parent,
            account: None,
        });
        Some(self.plan.objects.len() - 1)
    }

    /// The account of an actor as an object.
    pub fn account_object(&mut self, resource: &str, owner: &str, actor: &str) -> ObjectId {
        let id = match self.target.access.resources.get(resource).map(|described| &described.id) {
            Some(Identifier::Answered(place)) => Identifier::Answered(place.clone()),
            Some(Identifier::Sent(text)) => Identifier::Sent(request::replace_text(text, &self.account_values(actor))),
            None => Identifier::Sent(self.plan.identity_of(actor).to_owned()),
        };
        self.plan.objects.push(PlannedObject {
            resource: resource.to_owned(),
            owner: owner.to_owned(),
            marker: self.plan.identity_of(actor).to_owned(),
            id,
            parent: None,
            account: Some(actor.to_owned()),
        });
        self.plan.objects.len() - 1
    }

    /// The account of an actor as an object of the kind that stands for accounts.
    pub fn account_as_object(&mut self, actor: &str) -> Option<ObjectId> {
        let mut resources = self.target.access.resources.iter();
        let (name, _) = resources.find(|(_, resource)| resource.create.is_none())?;
        let owner = self.plan.persona_of(actor).to_owned();
        Some(self.account_object(name, &owner, actor))
    }

    /// The object of an owner that nobody changes; made before everything else.
    pub fn shared_object(&mut self, resource: &str, owner: &str) -> Option<ObjectId> {
        let key = (resource.to_owned(), owner.to_owned());
        if let Some((object, _)) = self.shared.get(&key) {
            return Some(*object);
        }
        let described = self.target.access.resources.get(resource)?;
        let Some(_) = &described.create else {
            // The account of the persona itself: there from the start.
            let object = self.account_object(resource, owner, owner);
            self.shared.insert(key, (object, None));
            return Some(object);
        };
        if let Some(within) = &described.within {
            self.shared_object(within, owner)?;
        }
        // What is inside of another object is made after that, in the same group.
        let outer = described.within.as_ref().and_then(|within| self.shared.get(&(within.clone(), owner.to_owned())));
        let group = outer.and_then(|(_, group)| *group).unwrap_or_else(|| self.group(Phase::Setup));
        let (object, _) = self.create(group, resource, owner)?;
        self.shared.insert(key, (object, Some(group)));
        Some(object)
    }

    /// Reads an object as somebody, to see what became of it. What anybody may read is read without a token.
    pub fn read_back(&mut self, group: usize, object: ObjectId, actor: &str) -> Option<StepId> {
        let planned = self.plan.objects.get(object)?;
        let read = self.target.access.resources.get(&planned.resource)?.read.clone();
        let operation = self.plan.operation(&read)?.clone();
        let own_login = self.login().is_some();
        let credential = if own_login && is_for_anyone(self.target, &read) {
            Credential::Anonymous
        } else {
            self.sign_in(group, actor);
            Credential::Persona(actor.to_owned())
        };
        let request = self.request(&operation, Some(object), credential);
        Some(self.step(group, Role::Probe, Action::Request(Box::new(request))))
    }

    /// The marker by which an object is recognised in a list, when only a list shows it.
    #[must_use]
    pub fn listed(&self, object: ObjectId) -> Option<String> {
        let planned = self.plan.objects.get(object)?;
        let read = &self.target.access.resources.get(&planned.resource)?.read;
        let places = self.plan.operation(read)?.path_parameters().len();
        (places < self.plan.chain(object).len()).then(|| planned.marker.clone())
    }

    /// The request of an operation on an object.
    #[must_use]
    pub fn request(&self, operation: &Operation, object: Option<ObjectId>, credential: Credential) -> Request {
        let chain = object.map(|object| self.plan.chain(object)).unwrap_or_default();
        let mut request = request::request(operation, &chain, credential);
        request.carrier = Arc::clone(&self.carrier);
        request
    }
}
