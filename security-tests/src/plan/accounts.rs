//! Accounts of an API with a login of its own: one for each persona, and more for whatever changes or ends them. Must
//! not know checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::Value;

use super::{Action, Credential, Draft, ObjectId, Phase, Request, Role, StepId, TestPlan, request};
use crate::login::{Call, Login};
use crate::target::Account;

/// An account of an API with a login of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedAccount {
    /// The persona that it belongs to.
    pub persona: String,
    /// Its name.
    pub username: String,
    /// Its address.
    pub email: String,
    /// Ten digits that no other account of this run has, and hardly one of another run: for phone numbers and the like.
    pub number: String,
    /// How its token is obtained; nothing for victims without a password.
    pub login: Option<Request>,
    /// Whether the tests make it.
    pub made: bool,
}

/// What becomes of the token in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// It is this actor's from now on.
    Keep(String),
    /// Only whether there is one counts.
    Look,
}

/// Logging in as the owner of an account shows whether its password was changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignInProof {
    /// With the password that the request would set.
    pub with_new: StepId,
    /// With the one that held before: a login that takes both shows nothing.
    pub with_old: StepId,
}

impl TestPlan {
    /// The persona of an actor: `alice` of `alice+3`.
    #[must_use]
    pub fn persona_of<'a>(&'a self, actor: &'a str) -> &'a str {
        self.accounts.get(actor).map_or(actor, |account| account.persona.as_str())
    }

    /// What the API calls an actor.
    #[must_use]
    pub fn identity_of<'a>(&'a self, actor: &'a str) -> &'a str {
        self.accounts.get(actor).map_or(actor, |account| account.username.as_str())
    }
}

impl Draft<'_> {
    /// The API's own login.
    #[must_use]
    pub fn login(&self) -> Option<&Login> {
        self.target.access.login.as_ref()
    }

    /// Gives every persona its account and its token.
    pub(super) fn open_accounts(&mut self) {
        if self.login().is_none() {
            return;
        }
        for (name, persona) in &self.target.personas {
            let group = self.group(Phase::Accounts);
            match &persona.account {
                Some(account) => self.know_account(name, account),
                None => drop(self.register(group, name, None, &[])),
            }
            self.sign_in(group, name);
        }
    }

    /// Whether more accounts of a persona's kind can be made.
    #[must_use]
    pub fn can_register(&self, persona: &str) -> bool {
        let registers = self.login().is_some_and(|login| login.register.is_some());
        registers && self.target.personas.get(persona).is_some_and(|persona| persona.account.is_none())
    }

    /// Another account of a persona's kind, for whatever must not happen to the persona itself.
    pub fn new_account(&mut self, group: usize, persona: &str) -> Option<String> {
        self.register(group, persona, None, &[]).map(|(actor, _)| actor)
    }

    /// The name that an account may have from now on: it is deleted under that too.
    pub fn plan_rename(&mut self, actor: &str) -> String {
        let number = self.plan.accounts.len();
        let Some(mut account) = self.plan.accounts.get(actor).cloned() else { return format!("renamed{number}") };
        account.username = format!("{}new{number}", account.username);
        account.login = None;
        let name = account.username.clone();
        self.plan.accounts.insert(format!("{}+{number}", account.persona), account);
        name
    }

    /// Another token of a persona's own account, for whatever gives it up.
    pub fn new_session(&mut self, persona: &str) -> Option<String> {
        let mut account = self.plan.accounts.get(persona)?.clone();
        let actor = format!("{persona}+{}", self.plan.accounts.len());
        account.made = false;
        account.login.as_mut()?.signs_in = Some(SignIn::Keep(actor.clone()));
        self.plan.accounts.insert(actor.clone(), account);
        Some(actor)
    }

    /// Registers an account of a persona's kind; under a name that was used before, or with more fields than asked for.
    pub fn register(
        &mut self,
        group: usize,
        persona: &str,
        name: Option<&str>,
        fields: &[(String, Value)],
    ) -> Option<(String, StepId)> {
        if !self.can_register(persona) {
            return None;
        }
        let call = self.login()?.register.clone()?;
        let actor = self.plan_account(persona, name);
        let mut request = self.call(&call, None, &actor)?;
        if call.by.is_none() {
            request.credential = Credential::Anonymous;
        }
        if let Some(body) = request.body.as_mut().and_then(request::innermost) {
            body.extend(fields.iter().cloned());
        }
        let step = self.step(group, Role::Setup, Action::Request(Box::new(request)));
        Some((actor, step))
    }

    /// A name and an address for an account that a request is about to make.
    pub(super) fn plan_account(&mut self, persona: &str, name: Option<&str>) -> String {
        let number = self.plan.accounts.len();
        let letters = persona.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase());
        let mut handle: String = letters.take(12).collect();
        handle.push_str(&format!("{}x{number}", self.plan.salt()));
        let actor =
            if self.plan.accounts.contains_key(persona) { format!("{persona}+{number}") } else { persona.to_owned() };
        let account = PlannedAccount {
            persona: persona.to_owned(),
            username: name.map_or_else(|| handle.clone(), str::to_owned),
            // Of a domain that RFC 2606 §3 keeps for examples; unlike `.test`, checkers of addresses accept it.
            email: format!("{handle}@example.com"),
            number: self.new_number(),
            login: None,
            made: true,
        };
        self.plan.accounts.insert(actor.clone(), account);
        self.plan_login(&actor);
        actor
    }

    fn know_account(&mut self, name: &str, account: &Account) {
        let planned = PlannedAccount {
            persona: name.to_owned(),
            username: account.username.clone(),
            email: account.email.clone().unwrap_or_else(|| account.username.clone()),
            number: self.new_number(),
            login: None,
            made: false,
        };
        self.plan.accounts.insert(name.to_owned(), planned);
        if account.password.is_some() {
            self.plan_login(name);
        }
    }

    fn plan_login(&mut self, actor: &str) {
        let Some(call) = self.login().map(|login| login.request.clone()) else { return };
        let mut request = self.call(&call, None, actor);
        if let Some(request) = &mut request {
            request.credential = Credential::Anonymous;
            request.signs_in = Some(SignIn::Keep(actor.to_owned()));
        }
        if let Some(account) = self.plan.accounts.get_mut(actor) {
            account.login = request;
        }
    }

    /// Adds an actor's login to a group, once.
    pub fn sign_in(&mut self, group: usize, actor: &str) {
        let login = self.plan.accounts.get(actor).and_then(|account| account.login.clone());
        if let Some(login) = login
            && self.signed_in.insert(actor.to_owned())
        {
            self.step(group, Role::Setup, Action::Request(Box::new(login)));
        }
    }

    /// Adds a look at whether an actor can log in with another password.
    pub fn try_password(&mut self, group: usize, actor: &str, secret: &str) -> Option<StepId> {
        let mut request = self.plan.accounts.get(actor)?.login.clone()?;
        let current = secret_of(actor);
        request.body = request.body.map(|body| request::replace(&body, &[(current.as_str(), placeholder(secret))]));
        request.signs_in = Some(SignIn::Look);
        Some(self.step(group, Role::Probe, Action::Request(Box::new(request))))
    }

    /// One of the login's requests, by its actor or by whom it names.
    pub fn call(&mut self, call: &Call, object: Option<ObjectId>, actor: &str) -> Option<Request> {
        let operation = self.plan.operation(&call.operation)?.clone();
        let by = call.by.as_deref().unwrap_or(actor);
        let mut request = self.request(&operation, object, Credential::Persona(by.to_owned()));
        request.body = call.json.as_ref().map(|json| request::replace(json, &self.account_values(actor)));
        request.form |= call.form;
        Some(request)
    }

    /// What `${persona.…}` stands for. The password is filled in when the request is sent.
    #[must_use]
    pub fn account_values(&self, actor: &str) -> Vec<(&'static str, String)> {
        let account = self.plan.accounts.get(actor);
        let username = account.map_or_else(|| actor.to_owned(), |account| account.username.clone());
        let email = account.map_or_else(|| format!("{actor}@example.com"), |account| account.email.clone());
        vec![
            ("persona.username", username),
            ("persona.email", email),
            ("persona.number", account.map_or_else(String::new, |account| account.number.clone())),
            ("persona.password", placeholder(&secret_name(actor))),
        ]
    }

    fn new_number(&self) -> String {
        let run = u64::from_str_radix(&self.plan.salt(), 16).unwrap_or_default();
        format!("{:06}{:04}", run % 1_000_000, self.plan.accounts.len() % 10_000)
    }

    /// A password that nobody has yet.
    pub fn new_secret(&mut self, actor: &str) -> String {
        self.secrets += 1;
        format!("{actor}/{}", self.secrets)
    }
}

/// The name of an actor's first password.
#[must_use]
pub(crate) fn secret_name(actor: &str) -> String {
    actor.to_owned()
}

/// `${secret:alice/2}`: the transport knows the value, nobody else.
#[must_use]
pub(crate) fn placeholder(secret: &str) -> String {
    format!("${{secret:{secret}}}")
}

fn secret_of(actor: &str) -> String {
    format!("secret:{}", secret_name(actor))
}
