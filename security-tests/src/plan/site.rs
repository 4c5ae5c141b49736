//! Where an operation is tried: a group of steps with its object and its control, so that each denial has a request
//! that was allowed just before. Must not know checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::sync::Arc;

use super::accounts::{placeholder, secret_name};
use super::request;
use super::{Action, Control, Credential, Draft, ObjectId, Phase, Request, Role, SignInProof, StepId, Trial};
use crate::access::{Grant, Resource};
use crate::api::Operation;
use crate::login::Carrier;
use crate::oracle::{Decision, Relation};
use crate::tokens::Place;

/// One operation on one owner's objects.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its group.
    pub group: usize,
    operation: Arc<Operation>,
    resource: Option<String>,
    owner: Option<String>,
    mode: Mode,
    object: Option<ObjectId>,
    /// The request by somebody allowed.
    pub control: Option<Control>,
    last_probe: Option<StepId>,
    /// Accounts made for personas that would put their own at risk here.
    stand_ins: BTreeMap<String, String>,
    /// The password that the control sets.
    known_secret: Option<String>,
    /// The object on which forged tokens are tried.
    of_forgeries: Option<ObjectId>,
}

impl Site {
    /// The object that all of its requests work on, when there is one.
    #[must_use]
    pub fn object(&self) -> Option<ObjectId> {
        self.object
    }
}

/// How an operation uses up objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Nothing changes: the owner's shared object, or none.
    Read,
    /// Something changes beside the object, e.g. who follows an account: the owner's shared object too.
    Shared,
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

    /// Adds a request to a site. What the control or the same request before already shows is not sent twice.
    pub fn attempt(&mut self, operation: &str, owner: Option<&str>, attempt: Attempt) -> Option<Trial> {
        let mut site = self.site(operation, owner)?;
        if let (Some(control), Credential::Persona(persona)) = (&site.control, &attempt.credential)
            && control.persona == *persona
        {
            let (written, before, after) = (control.written.clone(), control.before, control.after);
            return Some(Trial { attack: control.step, written, before, after, ..Trial::default() });
        }
        if self.is_usual_place(&attempt.credential) {
            return None;
        }
        let plain = match &attempt.credential {
            Credential::Persona(persona) if attempt.headers.is_empty() => Some(persona.clone()),
            _ => None,
        };
        let key = (operation.to_owned(), owner.map(str::to_owned));
        let tried = self.tried.get(&key).zip(plain.as_ref()).and_then(|(tried, persona)| tried.get(persona));
        if tried.is_some() {
            return tried.cloned();
        }
        if is_forged(&attempt.credential) && self.login().is_some_and(|login| login.changes_account(operation)) {
            // Proving that a password was not changed costs two logins, and logins are made to be slow.
            return None;
        }
        let mut trial = self.send(&mut site, attempt, Role::Attack)?;
        trial.control = site.control.clone();
        if let Some(persona) = plain {
            self.tried.entry(key.clone()).or_default().insert(persona, trial.clone());
        }
        self.sites.insert(key, site);
        Some(trial)
    }

    /// The same once everything is written: for what is changed elsewhere first.
    pub fn attempt_after_writes(&mut self, operation: &str, owner: Option<&str>, attempt: Attempt) -> Option<Trial> {
        let site = self.site(operation, owner)?;
        let phase = self.plan.groups.get(site.group).map_or(Phase::Destroy, |group| group.phase.max(Phase::Destroy));
        let group = self.group(phase);
        let mut later = Site { group, last_probe: None, stand_ins: BTreeMap::new(), of_forgeries: None, ..site };
        let mut trial = self.send(&mut later, attempt, Role::Attack)?;
        trial.control = later.control;
        Some(trial)
    }

    /// Whether a token is put where this API's tokens go anyway.
    fn is_usual_place(&self, credential: &Credential) -> bool {
        let Credential::Placed(_, place) = credential else { return false };
        match (place, &*self.carrier) {
            (Place::Scheme(scheme), Carrier::Scheme(usual)) => scheme.eq_ignore_ascii_case(usual),
            (Place::Header(name), Carrier::Header(usual)) => name.eq_ignore_ascii_case(usual),
            (Place::Cookie(name), Carrier::Cookie(usual)) => name == usual,
            _ => false,
        }
    }

    /// Somebody who may do it, the owner first, then the owner's tenant.
    #[must_use]
    pub fn somebody_allowed(&self, operation: &str, owner: Option<&str>) -> Option<String> {
        let may = |persona: &&String| self.may(operation, Some(persona), owner);
        let Some(owner) = owner else { return self.target.actors().find(may).cloned() };
        let stands = |persona: &String, relation| Relation::between(self.target, persona, owner) == relation;
        let own = self.target.actor(owner).filter(may);
        let of = |relation| self.target.actors().find(|persona| stands(persona, relation) && may(persona));
        own.or_else(|| of(Relation::SameTenant)).or_else(|| of(Relation::OtherTenant)).cloned()
    }

    fn new_site(&mut self, operation: &str, owner: Option<&str>) -> Option<Site> {
        let operation = Arc::new(self.plan.operation(operation)?.clone());
        let rule = self.rule(&operation.id)?;
        let on = self.resource_of(&operation.id);
        let mode = self.mode(&operation, owner);
        let phase = match (operation.is_safe(), rule.destructive, owner.is_some()) {
            // Nobody said what it does.
            _ if !self.is_decided(&operation.id) => Phase::Global,
            (true, false, _) => Phase::Read,
            (_, true, false) => Phase::Global,
            (_, true, true) => Phase::Destroy,
            (false, false, _) => Phase::Write,
        };
        let shared = match (on, owner, mode) {
            (Some((resource, _)), Some(owner), Mode::Read | Mode::Shared) => Some(self.shared_object(resource, owner)?),
            _ => None,
        };
        let group = self.group(phase);
        let object = match (on, owner, mode) {
            (Some((resource, _)), Some(owner), Mode::Marked) => Some(self.create(group, resource, owner)?.0),
            _ => shared,
        };
        Some(Site {
            group,
            operation,
            resource: on.map(|(name, _)| name.to_owned()),
            owner: owner.map(str::to_owned),
            mode,
            object,
            control: None,
            last_probe: None,
            stand_ins: BTreeMap::new(),
            known_secret: None,
            of_forgeries: None,
        })
    }

    fn mode(&self, operation: &Operation, owner: Option<&str>) -> Mode {
        let destructive = self.rule(&operation.id).is_some_and(|rule| rule.destructive);
        let body = self.body(operation);
        let account = self.resource_of(&operation.id).is_some_and(|(_, resource)| resource.create.is_none());
        let changes_account = self.login().is_some_and(|login| login.changes_account(&operation.id));
        match owner {
            None if operation.is_safe() => Mode::Read,
            None => Mode::Marked,
            // After a change of name the object is no longer where the next request looks for it.
            Some(_) if destructive || self.login().is_some_and(|login| login.renames(&operation.id)) => Mode::Fresh,
            Some(_) if operation.is_safe() => Mode::Read,
            Some(_) if account && body.is_none() && !changes_account => Mode::Shared,
            Some(_) if account || body.as_ref().is_some_and(request::has_canary) => Mode::Marked,
            Some(_) => Mode::Fresh,
        }
    }

    fn add_control(&mut self, site: &mut Site) {
        let Some(persona) = self.somebody_allowed(&site.operation.id, site.owner.as_deref()) else { return };
        // Expected `Deny` in the sense of "read back": the control shows what an effect looks like.
        let attempt = Attempt::refused(Credential::Persona(persona.clone()));
        let Some(trial) = self.send(site, attempt, Role::Control) else { return };
        let actor = match self.plan.steps.get(trial.attack).map(|step| &step.action) {
            Some(Action::Request(request)) => actor_of(&request.credential).filter(|actor| *actor != persona),
            _ => None,
        };
        let Trial { attack: step, written, before, after, sign_in, .. } = trial;
        site.control = Some(Control { step, persona, actor, written, before, after, sign_in });
    }

    fn send(&mut self, site: &mut Site, attempt: Attempt, role: Role) -> Option<Trial> {
        let changes = matches!(site.mode, Mode::Marked | Mode::Fresh)
            && site.resource.is_some()
            && attempt.expected == Decision::Deny;
        let object = self.object_for(site, &attempt.credential);
        let credential = self.credential(site, object, attempt.credential.clone(), attempt.expected)?;
        self.prepare(site, object, &credential);
        let sets_password = self.login().is_some_and(|login| login.sets_password(&site.operation.id));
        let probes = changes && !sets_password;
        let before = match site.mode {
            Mode::Fresh if probes => self.probe(site, object),
            Mode::Marked if probes => site.last_probe.or_else(|| self.probe(site, object)),
            _ => None,
        };
        let sent = self.marked_request(site, object, Attempt { credential, ..attempt });
        let attack = self.step(site.group, role, Action::Request(Box::new(sent.request)));
        let after = if probes { self.probe(site, object) } else { None };
        site.last_probe = after.or(site.last_probe);
        let sign_in = sent.secret.filter(|_| changes).and_then(|secret| self.try_both(site, object, secret));
        let listed = object.and_then(|object| self.listed(object)).filter(|_| probes);
        Some(Trial { attack, written: sent.written, before, after, sign_in, listed, ..Trial::default() })
    }

    /// What the request works on. Forged tokens share one object: each is refused, or the finding is there already.
    fn object_for(&mut self, site: &mut Site, credential: &Credential) -> Option<ObjectId> {
        let (Mode::Fresh, Some(resource), Some(owner)) = (site.mode, &site.resource, &site.owner) else {
            return site.object;
        };
        let shares = is_forged(credential) && self.login().is_some();
        if let Some(object) = site.of_forgeries.filter(|_| shares) {
            return Some(object);
        }
        let (object, _) = self.create(site.group, resource, owner)?;
        if shares {
            site.of_forgeries = Some(object);
        }
        Some(object)
    }

    /// Logs in as the owner of an account with the password that a request may have set, and with the one before.
    fn try_both(&mut self, site: &mut Site, object: Option<ObjectId>, secret: String) -> Option<SignInProof> {
        let victim = self.plan.objects.get(object?)?.account.clone()?;
        let old = site.known_secret.clone().unwrap_or_else(|| secret_name(&victim));
        let with_new = self.try_password(site.group, &victim, &secret)?;
        let with_old = self.try_password(site.group, &victim, &old)?;
        site.known_secret.get_or_insert(secret);
        Some(SignInProof { with_new, with_old })
    }

    /// Who sends the request: an account made for it where a persona's own would be at risk.
    fn credential(
        &mut self,
        site: &mut Site,
        object: Option<ObjectId>,
        credential: Credential,
        expected: Decision,
    ) -> Option<Credential> {
        let Some(persona) = actor_of(&credential) else { return Some(credential) };
        if self.login().is_none() {
            return Some(credential);
        }
        if self.plan.accounts.get(&persona).is_some_and(|account| account.persona != persona) {
            // An account that was made for this.
            self.sign_in(site.group, &persona);
            return Some(credential);
        }
        let account = object.and_then(|object| self.plan.objects.get(object)?.account.clone());
        let risky = account.is_some() && matches!(site.mode, Mode::Marked | Mode::Fresh)
            || self.login().is_some_and(|login| login.changes_account(&site.operation.id))
                && self.rule(&site.operation.id).is_none_or(|rule| rule.json.is_none());
        let ends_session = self.login().is_some_and(|login| login.ends_session(&site.operation.id));
        let may = expected == Decision::Allow || self.may(&site.operation.id, Some(&persona), site.owner.as_deref());
        let actor = match &account {
            Some(account) if site.owner.as_deref() == Some(&persona) => account.clone(),
            _ if ends_session => self.new_session(&persona)?,
            _ if !risky => persona,
            _ if self.can_register(&persona) => match site.stand_ins.get(&persona) {
                Some(actor) => actor.clone(),
                None => {
                    let actor = self.new_account(site.group, &persona)?;
                    site.stand_ins.insert(persona, actor.clone());
                    actor
                }
            },
            // An account that cannot be made anew does to others what it may do, and is not put at risk otherwise.
            Some(_) if may => persona,
            _ => return None,
        };
        self.sign_in(site.group, &actor);
        Some(with_actor(credential, actor))
    }

    /// What the rule wants the caller to do first; whether it works shows in the request itself.
    fn prepare(&mut self, site: &Site, object: Option<ObjectId>, credential: &Credential) {
        let prepare = self.rule(&site.operation.id).and_then(|rule| rule.prepare.clone());
        let Some(operation) = prepare.and_then(|id| self.plan.operation(&id).cloned()).map(Arc::new) else { return };
        let attempt = Attempt { credential: credential.clone(), headers: Vec::new(), expected: Decision::Allow };
        let place = Site { operation, ..site.clone() };
        let sent = self.marked_request(&place, object, attempt);
        self.step(site.group, Role::Setup, Action::Request(Box::new(sent.request)));
    }

    fn marked_request(&mut self, site: &Site, object: Option<ObjectId>, attempt: Attempt) -> Sent {
        let actor = actor_of(&attempt.credential).unwrap_or_default();
        let mut request = self.request(&site.operation, object, attempt.credential);
        request.headers.extend(attempt.headers);
        let Some(body) = self.body(&site.operation) else { return Sent { request, written: None, secret: None } };
        let made = self.created_by(&site.operation.id);
        let resource = site.resource.clone().or(made).unwrap_or_default();
        let owner = site.owner.clone().unwrap_or_else(|| self.plan.persona_of(&actor).to_owned());
        let marker = request::has_canary(&body).then(|| self.marker(&resource, &owner));
        let victim = object.and_then(|object| self.plan.objects.get(object)?.account.clone());
        let new_password = request::mentions(&body, "${new.password}");
        let secret = new_password.then(|| self.new_secret(victim.as_deref().unwrap_or(&actor)));
        let whose = self.body_actor(&site.operation, &actor);
        let mut values = self.account_values(&whose);
        values.extend(marker.clone().map(|marker| ("canary", marker)));
        values.extend(secret.as_deref().map(|secret| ("new.password", placeholder(secret))));
        if request::mentions(&body, "${new.username}") {
            values.push(("new.username", self.plan_rename(victim.as_deref().unwrap_or(&actor))));
        }
        if request::mentions(&body, NEW_OWNER) {
            let heir = self.heir_of(&resource, &owner).map(|heir| self.plan.identity_of(&heir).to_owned());
            values.push(("new.owner", heir.unwrap_or_default()));
        }
        request.body = Some(request::replace(&body, &values));
        Sent { request, written: marker, secret }
    }

    /// Who can be given the objects of somebody: another owner of the same tenant.
    #[must_use]
    pub fn heir_of(&self, resource: &str, owner: &str) -> Option<String> {
        let fits = |name: &&String| Relation::between(self.target, name, owner) == Relation::SameTenant;
        self.owners(resource).iter().find(fits).cloned()
    }

    /// Whose data `${persona.…}` means: the caller's; in a registration those of an account that nobody has.
    fn body_actor(&mut self, operation: &Operation, actor: &str) -> String {
        let register = self.login().and_then(|login| login.register.as_ref());
        let persona = self.plan.persona_of(actor).to_owned();
        if register.is_some_and(|call| call.operation == operation.id) {
            self.plan_account(&persona, None)
        } else {
            actor.to_owned()
        }
    }

    /// Reads the object as its owner; an account that everybody may see, as the persona, who has a token already.
    fn probe(&mut self, site: &Site, object: Option<ObjectId>) -> Option<StepId> {
        let object = object?;
        let planned = self.plan.objects.get(object)?;
        let read = self.target.access.resources.get(&planned.resource).map(|resource| resource.read.as_str());
        let rule = read.and_then(|read| self.rule(read));
        let open = rule.is_some_and(|rule| rule.allow.contains(&Grant::Authenticated));
        let account = planned.account.clone().filter(|_| !open);
        let reader = account.or_else(|| site.owner.clone())?;
        self.read_back(site.group, object, &reader)
    }

    /// The body of an operation, markers not filled in.
    pub(crate) fn body(&self, operation: &Operation) -> Option<serde_json::Value> {
        if operation.is_safe() {
            return None;
        }
        let made = self.created_by(&operation.id);
        let on = self.rule(&operation.id).and_then(|rule| rule.on.clone());
        let resource = on.or(made).and_then(|name| self.target.access.resources.get(&name));
        let written = self.rule(&operation.id).and_then(|rule| rule.json.clone());
        let by_login = || {
            let mut calls = self.login()?.calls();
            calls.find(|(_, call)| call.operation == operation.id).and_then(|(_, call)| call.json.clone())
        };
        written
            .or_else(by_login)
            .or_else(|| request::body(operation, resource.and_then(|resource| resource.create.as_ref())))
    }

    /// The kind of object that an operation makes.
    pub(crate) fn created_by(&self, operation: &str) -> Option<String> {
        let resources = &self.target.access.resources;
        let makes = |resource: &Resource| resource.create.as_ref().is_some_and(|create| create.operation == operation);
        resources.iter().find(|(_, resource)| makes(resource)).map(|(name, _)| name.clone())
    }
}

/// Where a body names who gets an object.
const NEW_OWNER: &str = "${new.owner}";

/// A request, what it would write, and the password that it would set.
struct Sent {
    request: Request,
    written: Option<String>,
    secret: Option<String>,
}

fn is_forged(credential: &Credential) -> bool {
    !matches!(credential, Credential::Anonymous | Credential::Persona(_) | Credential::Held(_) | Credential::Fresh(_))
}

/// Whose token a credential is or is made from.
fn actor_of(credential: &Credential) -> Option<String> {
    Some(credential.persona()).filter(|actor| !actor.is_empty()).map(str::to_owned)
}

fn with_actor(credential: Credential, actor: String) -> Credential {
    match credential {
        Credential::Anonymous => Credential::Anonymous,
        Credential::Persona(_) => Credential::Persona(actor),
        Credential::Held(_) => Credential::Held(actor),
        Credential::Fresh(_) => Credential::Fresh(actor),
        Credential::Minted(_, mint) => Credential::Minted(actor, mint),
        Credential::Forged(_, forgery) => Credential::Forged(actor, forgery),
        Credential::Placed(credential, place) => Credential::Placed(Box::new(with_actor(*credential, actor)), place),
        Credential::Pair(first, second) => Credential::Pair(Box::new(with_actor(*first, actor)), second),
    }
}
