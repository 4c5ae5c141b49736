//! Target and options to a test plan: every request, in order, before one is sent. Must not send any.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod accounts;
mod action;
mod batches;
mod build;
mod case;
mod cells;
mod display;
mod draft;
mod ends;
mod error;
mod objects;
mod outline;
pub(crate) mod request;
mod select;
mod shard;
mod site;
#[cfg(test)]
mod tests;
mod world;
#[cfg(test)]
pub(crate) use tests::target as test_target;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::access::Identifier;
use crate::api::{Operation, Operations};
use crate::oracle::{Decision, Relation};
use crate::verdict::{Layer, Tier};

pub use accounts::{PlannedAccount, SignIn, SignInProof};
pub(crate) use accounts::{placeholder, secret_name};
pub use action::{Action, BOUND, Credential, Request, Role, Step, Twice, Until};
pub use batches::batches;
pub use build::plan;
pub use case::{Assigned, Case, Control, Detail, Trial};
pub use draft::Draft;
pub(crate) use draft::marker_prefix;
pub use error::PlanError;
pub use request::curl;
pub(crate) use select::is_asked_for;
pub use shard::Shard;
pub use site::{Attempt, Site};
pub use world::{Failure, Part, Statement, Struck, World};

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
    /// What takes long and concerns nobody else: runs beside all that follows, until the end.
    Beside,
    /// Nothing changes.
    Read,
    /// Objects made for it change.
    Write,
    /// Objects made for it end.
    Destroy,
    /// The provider is asked as each of its clients.
    Flow,
    /// Personas change; one at a time.
    Session,
    /// Everything may change; one at a time, last of all.
    Global,
    /// What was made is deleted, or the API put to its start.
    End,
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

    /// How many requests go to the API, and to the provider as one of its clients.
    #[must_use]
    pub fn request_count(&self) -> usize {
        self.ordered().filter(|(_, _, step)| matches!(step.action, Action::Request(_) | Action::Flow(_))).count()
    }
}
