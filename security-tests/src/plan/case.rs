//! What a run asks: cases, and the steps that answer each. Must not know how they are done.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use serde_json::Value;

use super::{Failure, SignInProof, StepId};
use crate::access::Scope;
use crate::flow::Subject;
use crate::oracle::{Decision, Relation};

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
    /// Something fails meanwhile: the step that ends that knows whether it was met at all; and how long it lasts.
    Failing(StepId, Failure),
    /// Only asked where this step works; the caller pretends to be the persona of the control.
    Where(StepId),
    /// What is asked of the provider.
    Flow(Box<Subject>),
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
