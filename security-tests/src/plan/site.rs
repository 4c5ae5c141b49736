//! Where an operation is tried: a group of steps with its object and its control, so that each denial has a request
//! that was allowed just before. Must not know checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::request;
use super::{Action, Control, Credential, Draft, ObjectId, Phase, Request, Role, StepId, Trial};
use crate::api::Operation;
use crate::oracle::{Decision, Relation};

/// One operation on one owner's objects.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its group.
    pub group: usize,
    operation: Operation,
    resource: Option<String>,
    owner: Option<String>,
    mode: Mode,
    object: Option<ObjectId>,
    /// The request by somebody allowed.
    pub control: Option<Control>,
    last_probe: Option<StepId>,
}

/// How an operation uses up objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Nothing changes: the owner's shared object, or none.
    Read,
    /// Each request writes its own marker: one object for all of them.
    Marked,
    /// Each request needs an object of its own.
    Fresh,
}

/// One request to try.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Whose token.
    pub credential: Credential,
    /// More headers.
    pub headers: Vec<(String, String)>,
    /// What should happen; what should be refused is read back.
    pub expected: Decision,
}

impl Attempt {
    /// Somebody's plain request.
    #[must_use]
    pub fn by(persona: Option<&str>, expected: Decision) -> Self {
        let credential = persona.map_or(Credential::Anonymous, |name| Credential::Persona(name.to_owned()));
        Self { credential, headers: Vec::new(), expected }
    }

    /// A request that must be refused.
    #[must_use]
    pub fn refused(credential: Credential) -> Self {
        Self { credential, headers: Vec::new(), expected: Decision::Deny }
    }
}

impl Draft<'_> {
    /// Where an operation is tried on objects of an owner; made with its control when it is not there yet.
    pub fn site(&mut self, operation: &str, owner: Option<&str>) -> Option<Site> {
        let key = (operation.to_owned(), owner.map(str::to_owned));
        if let Some(site) = self.sites.get(&key) {
            return Some(site.clone());
        }
        let mut site = self.new_site(operation, owner)?;
        self.add_control(&mut site);
        self.sites.insert(key, site.clone());
        Some(site)
    }

    /// Adds a request to a site. What the control already shows is not sent twice.
    pub fn attempt(&mut self, operation: &str, owner: Option<&str>, attempt: Attempt) -> Option<Trial> {
        let mut site = self.site(operation, owner)?;
        if let (Some(control), Credential::Persona(persona)) = (&site.control, &attempt.credential)
            && control.persona == *persona
        {
            let (written, before, after) = (control.written.clone(), control.before, control.after);
            return Some(Trial { attack: control.step, written, before, after, ..Trial::default() });
        }
        let mut trial = self.send(&mut site, attempt, Role::Attack);
        trial.control = site.control.clone();
        self.sites.insert((operation.to_owned(), owner.map(str::to_owned)), site);
        Some(trial)
    }

    /// Somebody who may do it, the owner first, then the owner's tenant.
    #[must_use]
    pub fn somebody_allowed(&self, operation: &str, owner: Option<&str>) -> Option<String> {
        let mut candidates: Vec<&String> = self.target.personas.keys().collect();
        if let Some(owner) = owner {
            candidates.sort_by_key(|persona| Relation::between(self.target, persona, owner));
        }
        candidates.into_iter().find(|persona| self.may(operation, Some(persona), owner)).cloned()
    }

    fn new_site(&mut self, operation: &str, owner: Option<&str>) -> Option<Site> {
        let operation = self.plan.operation(operation)?.clone();
        let rule = self.rule(&operation.id)?;
        let on = self.resource_of(&operation.id);
        let marked = self.body(&operation).as_ref().is_some_and(request::has_canary);
        let mode = match (operation.is_safe(), rule.destructive, marked || owner.is_none()) {
            (true, _, _) => Mode::Read,
            (false, false, true) => Mode::Marked,
            _ if owner.is_none() => Mode::Marked,
            _ => Mode::Fresh,
        };
        let phase = match (operation.is_safe(), rule.destructive, owner.is_some()) {
            (true, false, _) => Phase::Read,
            (_, true, false) => Phase::Global,
            (_, true, true) => Phase::Destroy,
            (false, false, _) => Phase::Write,
        };
        let group = self.group(phase);
        let object = match (on, owner, mode) {
            (Some((resource, _)), Some(owner), Mode::Read) => Some(self.shared_object(resource, owner)?),
            (Some((resource, _)), Some(owner), Mode::Marked) => Some(self.create(group, resource, owner)?.0),
            _ => None,
        };
        let resource = on.map(|(name, _)| name.to_owned());
        let owner = owner.map(str::to_owned);
        Some(Site { group, operation, resource, owner, mode, object, control: None, last_probe: None })
    }

    fn add_control(&mut self, site: &mut Site) {
        let Some(persona) = self.somebody_allowed(&site.operation.id, site.owner.as_deref()) else { return };
        // Expected `Deny` in the sense of "read back": the control shows what an effect looks like.
        let attempt = Attempt::refused(Credential::Persona(persona.clone()));
        let trial = self.send(site, attempt, Role::Control);
        let Trial { attack: step, written, before, after, .. } = trial;
        site.control = Some(Control { step, persona, written, before, after });
    }

    fn send(&mut self, site: &mut Site, attempt: Attempt, role: Role) -> Trial {
        let changes = site.mode != Mode::Read && site.resource.is_some() && attempt.expected == Decision::Deny;
        let object = match (site.mode, &site.resource, &site.owner) {
            (Mode::Fresh, Some(resource), Some(owner)) => {
                self.create(site.group, resource, owner).map(|(object, _)| object)
            }
            _ => site.object,
        };
        let before = match (site.mode, changes) {
            (Mode::Fresh, true) => self.probe(site, object),
            (Mode::Marked, true) => site.last_probe.or_else(|| self.probe(site, object)),
            _ => None,
        };
        let (request, written) = self.marked_request(site, object, attempt);
        let attack = self.step(site.group, role, Action::Request(Box::new(request)));
        let after = if changes { self.probe(site, object) } else { None };
        site.last_probe = after.or(site.last_probe);
        Trial { attack, written, before, after, ..Trial::default() }
    }

    fn marked_request(&mut self, site: &Site, object: Option<ObjectId>, attempt: Attempt) -> (Request, Option<String>) {
        let caller = attempt.credential.persona().to_owned();
        let mut request = request::request(&site.operation, object, attempt.credential);
        request.headers.extend(attempt.headers);
        let Some(body) = self.body(&site.operation) else { return (request, None) };
        let made = self.created_by(&site.operation.id);
        let resource = site.resource.clone().or(made).unwrap_or_default();
        let owner = site.owner.clone().unwrap_or(caller);
        let marker = request::has_canary(&body).then(|| self.marker(&resource, &owner));
        request.body = Some(marker.as_ref().map_or_else(|| body.clone(), |marker| request::fill(&body, marker)));
        (request, marker)
    }

    /// Reads the object as its owner.
    fn probe(&mut self, site: &Site, object: Option<ObjectId>) -> Option<StepId> {
        self.read_back(site.group, object?, site.owner.as_deref()?)
    }

    /// The body of an operation, markers not filled in.
    pub(crate) fn body(&self, operation: &Operation) -> Option<serde_json::Value> {
        if operation.is_safe() {
            return None;
        }
        let made = self.created_by(&operation.id);
        let on = self.rule(&operation.id).and_then(|rule| rule.on.clone());
        let resource = on.or(made).and_then(|name| self.target.access.resources.get(&name));
        request::body(operation, self.rule(&operation.id), resource.map(|resource| &resource.create))
    }

    /// The kind of object that an operation makes.
    pub(crate) fn created_by(&self, operation: &str) -> Option<String> {
        let resources = &self.target.access.resources;
        resources.iter().find(|(_, resource)| resource.create.operation == operation).map(|(name, _)| name.clone())
    }
}
