//! Target and options to a test plan: every request, in order, before one is sent. Must not send any.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod accounts;
mod batches;
mod build;
mod cells;
mod display;
mod draft;
mod ends;
mod objects;
mod outline;
pub(crate) mod request;
mod select;
mod shard;
mod site;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::target as test_target;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::access::{Identifier, Scope};
use crate::api::{Operation, Operations};
use crate::login::Carrier;
use crate::oracle::{Decision, Relation};
use crate::tokens::{Mint, Place};
use crate::verdict::{Layer, Tier};

pub use accounts::{PlannedAccount, SignIn, SignInProof};
pub(crate) use accounts::{placeholder, secret_name};
pub use batches::batches;
pub use build::plan;
pub use draft::Draft;
pub(crate) use draft::marker_prefix;
pub use request::curl;
pub(crate) use select::is_asked_for;
pub use shard::Shard;
pub use site::{Attempt, Site};

/// What to test and how to make it repeatable.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Layers to run; empty means all.
    pub layers: Vec<Layer>,
    /// `operationId`s to test; empty means all.
    pub operations: Vec<String>,
    /// Personas that attack; empty means all.
    pub personas: Vec<String>,
    /// Makes markers unique to a run.
    pub seed: u64,
    /// When the run starts, RFC 3339; the date decides whether waivers hold.
    pub started_at: String,
    /// Findings up to this tier fail; others are advice.
    pub tier: Tier,
    /// How long requests may be sent; then the run ends and says what it did not do.
    pub budget: Option<Duration>,
    /// One part of the run, for machines that share it.
    pub shard: Option<Shard>,
    /// Ids of findings or cases to run; empty means all.
    pub only: Vec<String>,
    /// How long one answer may take; 10 s when it is not said.
    pub timeout: Option<Duration>,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlanError {
    /// A name that the API does not have.
    #[error("the API has no operation `{name}` (named by {by}); it has {known}")]
    UnknownOperation {
        /// The name.
        name: String,
        /// Where it was written.
        by: String,
        /// What there is.
        known: String,
    },
    /// A name that nobody has.
    #[error("there is no persona `{name}`; there are {known}")]
    UnknownPersona {
        /// The name.
        name: String,
        /// Who there is.
        known: String,
    },
    /// A rule speaks of a kind of object that is not described.
    #[error("the rule `{rule}` is on `{name}`, which is not among the resources")]
    UnknownResource {
        /// The rule.
        rule: String,
        /// The name.
        name: String,
    },
    /// Objects that would be inside of themselves.
    #[error("the resource `{name}` is inside of itself")]
    Circle {
        /// Its name.
        name: String,
    },
    /// Somebody has no account and cannot get one.
    #[error("the persona `{name}` has no account: give it a username and a password, or say how to register")]
    NoAccount {
        /// The persona.
        name: String,
    },
    /// More machines than operations.
    #[error("the shard {shard} has nothing to do: there are only {operations} operations to share")]
    EmptyShard {
        /// `3/4`.
        shard: Shard,
        /// What there is to share.
        operations: usize,
    },
    /// Expectations should come from policies that are not there.
    #[error("expectations should come from the policies, but there are none")]
    NoPolicies,
    /// The policies did not answer.
    #[error("the policies cannot answer for `{operation}`: {reason}")]
    Policies {
        /// The operation.
        operation: String,
        /// What the engine said.
        reason: String,
    },
}

/// Index of a step in its plan.
pub type StepId = usize;
/// Index of an object in its plan.
pub type ObjectId = usize;

/// Every request of a run, and what each answer means.
#[derive(Clone, Debug, Default)]
pub struct TestPlan {
    /// Name of the API.
    pub target: String,
    /// Where it answers.
    pub base_url: String,
    /// What makes markers unique.
    pub seed: u64,
    /// When the run starts.
    pub started_at: String,
    /// Operations and personas that were asked for.
    pub scope: ScopeOfRun,
    /// Findings up to this tier fail.
    pub tier: Tier,
    /// How long requests may be sent.
    pub budget: Option<Duration>,
    /// How long one answer may take.
    pub timeout: Option<Duration>,
    /// The layers that were asked for, and why one of them cannot run.
    pub layers: Vec<PlannedLayer>,
    /// Whether the layers were named one by one: then one that cannot run keeps the run from passing.
    pub layers_named: bool,
    /// What the API offers, documented or not.
    pub operations: Operations,
    /// Objects to make.
    pub objects: Vec<PlannedObject>,
    /// All steps.
    pub steps: Vec<Step>,
    /// Which steps follow each other.
    pub groups: Vec<Group>,
    /// What is judged.
    pub cases: Vec<Case>,
    /// The access matrix.
    pub cells: Vec<PlannedCell>,
    /// Which markers there are, by text.
    pub markers: BTreeMap<String, Marker>,
    /// The anonymous request of each operation: how this API refuses is learned from it.
    pub anonymous: BTreeMap<String, StepId>,
    /// The accounts of an API with a login of its own, by actor: a persona, or `alice+3` for one made for the tests.
    pub accounts: BTreeMap<String, PlannedAccount>,
    /// Operations that nobody described and that may be there, e.g. older versions.
    pub guessed: Vec<Operation>,
    /// Pinned cases.
    pub regressions: Vec<crate::access::Regression>,
    /// Pinned cases that cannot be planned, and why.
    pub lost: Vec<crate::regressions::Lost>,
    /// A request for a path that cannot exist: how this API answers those is learned from it.
    pub nowhere: Option<StepId>,
}

/// Operations and personas that were asked for; empty means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeOfRun {
    /// `operationId`s.
    pub operations: Vec<String>,
    /// Names.
    pub personas: Vec<String>,
    /// Ids of findings or cases.
    pub only: Vec<String>,
    /// One part of the run.
    pub shard: Option<Shard>,
}

/// A layer of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedLayer {
    /// Which.
    pub layer: Layer,
    /// Why it cannot run.
    pub skipped: Option<String>,
}

/// An object made for the tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedObject {
    /// Its kind.
    pub resource: String,
    /// Who makes it.
    pub owner: String,
    /// The marker inside.
    pub marker: String,
    /// Where its identifier is in the answer, or what it is.
    pub id: Identifier,
    /// The object that it is inside of.
    pub parent: Option<ObjectId>,
    /// The actor whose account it is, when it is an account.
    pub account: Option<String>,
}

/// What a marker betrays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Kind of the object it is in.
    pub resource: String,
    /// Whose object that is.
    pub owner: String,
}

/// Steps that run one after the other; groups of one phase run side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// When.
    pub phase: Phase,
    /// What.
    pub steps: Vec<StepId>,
}

/// Phases run one after the other: what destroys comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The API is put to its start.
    Begin,
    /// Personas get accounts and log in.
    Accounts,
    /// Objects are made.
    Setup,
    /// Nothing changes.
    Read,
    /// Objects made for it change.
    Write,
    /// Objects made for it end.
    Destroy,
    /// Personas change; one at a time.
    Session,
    /// Everything may change; one at a time, last of all.
    Global,
    /// What was made is deleted, or the API put to its start.
    End,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it is for.
    pub role: Role,
    /// What is done.
    pub action: Action,
}

/// What a step is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Prepares.
    Setup,
    /// Shows that the request works for somebody allowed.
    Control,
    /// The request in question.
    Attack,
    /// Reads back what it did.
    Probe,
    /// Changes a persona.
    Change,
    /// Takes that back; runs whatever happened before.
    Restore,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A request to the API.
    Request(Box<Request>),
    /// A fresh token of a persona for this group.
    FreshToken(String),
    /// The provider ends every session of a persona and revokes its tokens.
    EndSessions(String),
    /// A change in the directory: SCIM operations (RFC 7644 §3.5.2).
    PatchUser(String, Value),
}

/// A request with placeholders: `${object:7}` in the path is the identifier of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// `operationId`.
    pub operation: String,
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers beside authorization.
    pub headers: Vec<(String, String)>,
    /// JSON body.
    pub body: Option<Value>,
    /// A member that the body has twice, which no JSON value can say.
    pub twice: Option<Twice>,
    /// Whose token.
    pub credential: Credential,
    /// The object that the answer identifies.
    pub creates: Option<ObjectId>,
    /// How the token is sent.
    pub carrier: Arc<Carrier>,
    /// The answer carries a token.
    pub signs_in: Option<SignIn>,
}

/// A member that names two objects, the first and the last in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twice {
    /// Its name.
    pub field: String,
    /// What it names first.
    pub first: ObjectId,
    /// What it names last.
    pub last: ObjectId,
}

impl Twice {
    /// The body as text, with placeholders.
    #[must_use]
    pub fn text(&self, body: &Value) -> String {
        let Twice { field, first, last } = self;
        let text = body.to_string();
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_default();
        let comma = if inner.is_empty() { "" } else { "," };
        let field = Value::from(field.as_str());
        format!(r#"{{{field}:"${{object:{first}}}",{inner}{comma}{field}:"${{object:{last}}}"}}"#)
    }
}

/// Whose token a request carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Credential {
    /// None.
    Anonymous,
    /// The persona's, as the provider gives it.
    Persona(String),
    /// The actor's, never renewed: a token from before something changed.
    Held(String),
    /// The fresh one of the group.
    Fresh(String),
    /// Minted to order.
    Minted(String, Mint),
    /// The persona's, forged as the catalogue entry of this name says.
    Forged(String, &'static str),
    /// Two tokens, in two `Authorization` headers.
    Pair(Box<Credential>, Box<Credential>),
    /// A token where tokens do not go here.
    Placed(Box<Credential>, Place),
}

impl Credential {
    /// Whose token it is, or whom it pretends to be; empty for nobody.
    #[must_use]
    pub fn persona(&self) -> &str {
        match self {
            Credential::Anonymous => "",
            Credential::Persona(persona)
            | Credential::Held(persona)
            | Credential::Fresh(persona)
            | Credential::Minted(persona, _)
            | Credential::Forged(persona, _) => persona,
            Credential::Placed(credential, _) | Credential::Pair(credential, _) => credential.persona(),
        }
    }
}

/// One question and the steps that answer it.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Stable, e.g. `object-access:readOrder:bob:same-tenant`.
    pub id: String,
    /// The check that judges it.
    pub check: &'static str,
    /// `operationId`.
    pub operation: String,
    /// Who asks; nobody is anonymous.
    pub persona: Option<String>,
    /// How they stand to the object.
    pub relation: Relation,
    /// What should happen.
    pub expected: Decision,
    /// The steps.
    pub trial: Trial,
    /// What the check itself needs to know.
    pub detail: Detail,
}

/// The steps of a case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trial {
    /// The request in question.
    pub attack: StepId,
    /// The marker that the attack would write.
    pub written: Option<String>,
    /// The object as it was.
    pub before: Option<StepId>,
    /// The object as it is then.
    pub after: Option<StepId>,
    /// The same request by somebody allowed.
    pub control: Option<Control>,
    /// Steps that must have worked.
    pub needs: Vec<StepId>,
    /// The marker of the object, when it is read back through a list.
    pub listed: Option<String>,
    /// For an operation that sets a password: logging in as its owner.
    pub sign_in: Option<SignInProof>,
}

/// The same request by somebody allowed, and its effect.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Control {
    /// The request.
    pub step: StepId,
    /// Who.
    pub persona: String,
    /// The actor, when it is not the persona's own account that was used.
    pub actor: Option<String>,
    /// For an operation that sets a password: logging in as its owner.
    pub sign_in: Option<SignInProof>,
    /// The marker that it writes.
    pub written: Option<String>,
    /// The object as it was.
    pub before: Option<StepId>,
    /// The object as it is then.
    pub after: Option<StepId>,
}

/// What one check needs beside the trial.
#[derive(Clone, Debug, PartialEq)]
pub enum Detail {
    /// Nothing.
    None,
    /// A list: the same list as all who may see it, one of whom must find a marker; and whose objects may be in it.
    List(Arc<[(StepId, String)]>, Scope),
    /// A field that must not be seen, and the same object seen by somebody who may.
    Hidden(String, Option<StepId>),
    /// Fields that a client tried to set, and reads that would show them.
    Assigned(Assigned),
    /// The caller pretends to be the persona of the control: its identity in the answer is the proof.
    Impersonation,
    /// The caller's token is raised; this is what the plain one gets.
    Raised(Trial),
    /// An answer in which nothing sensitive of others must be, and whose object it is about.
    Sensitive(Option<String>),
    /// The actor that was given the caller's old name.
    Successor(String),
    /// A login of this actor with a wrong password, and how the login of the document refuses that.
    WrongPassword(String, Option<StepId>),
    /// Only asked where this step works; the caller pretends to be the persona of the control.
    Where(StepId),
}

/// Fields that a client tried to set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assigned {
    /// With the values tried.
    pub fields: Vec<(String, Value)>,
    /// Reads of an object made without them.
    pub baseline: Vec<StepId>,
    /// Reads of the object on which they were tried.
    pub reads: Vec<StepId>,
}

/// One cell of the access matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedCell {
    /// `operationId`.
    pub operation: String,
    /// Who; nobody is anonymous.
    pub persona: Option<String>,
    /// How they stand to the object.
    pub relation: Relation,
    /// Whose object.
    pub owner: Option<String>,
    /// What should happen.
    pub expected: Decision,
    /// The steps that show what does; none when nothing was planned.
    pub trial: Option<Trial>,
}

impl TestPlan {
    /// One operation by name.
    #[must_use]
    pub fn operation(&self, id: &str) -> Option<&Operation> {
        self.operations.get(id).or_else(|| self.guessed.iter().find(|operation| operation.id == id))
    }

    /// The objects that an object is inside of, outermost first, and the object itself.
    #[must_use]
    pub fn chain(&self, object: ObjectId) -> Vec<ObjectId> {
        let mut chain = vec![object];
        // An object can only be inside of one that was planned before.
        while let Some(parent) = chain.last().and_then(|last| self.objects.get(*last)?.parent) {
            chain.push(parent);
        }
        chain.reverse();
        chain
    }

    /// The steps in the order in which they run, with their phase. Steps that a selection left out are not among them.
    pub fn ordered(&self) -> impl Iterator<Item = (Phase, StepId, &Step)> {
        let mut groups: Vec<&Group> = self.groups.iter().collect();
        groups.sort_by_key(|group| group.phase);
        let steps = |group: &Group| group.steps.iter().map(|id| (group.phase, *id)).collect::<Vec<_>>();
        groups.into_iter().flat_map(steps).filter_map(|(phase, id)| Some((phase, id, self.steps.get(id)?)))
    }

    /// How many requests go to the API.
    #[must_use]
    pub fn request_count(&self) -> usize {
        self.ordered().filter(|(_, _, step)| matches!(step.action, Action::Request(_))).count()
    }
}
