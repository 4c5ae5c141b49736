//! Who may do what: by rule or by policy, one question per persona, operation and relation. Must not know HTTP.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod rules;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::access::{OracleKind, Resource};
use crate::target::{Persona, Target};
pub use rules::{by_rule, is_for_anyone};

/// A policy engine, evaluated in-process.
pub trait Decider: Send + Sync {
    /// Answers one question.
    ///
    /// # Errors
    /// When the engine cannot answer, with its reason.
    fn decide(&self, question: &Question) -> Result<Decision, String>;

    /// The actions that the policy schema knows.
    fn actions(&self) -> Vec<String>;

    /// Whether an action is among them. Asked once for each question: an engine with many actions answers from a set.
    fn knows(&self, action: &str) -> bool {
        self.actions().iter().any(|known| known == action)
    }

    /// The same policies, as the IAM's control interface takes them, with one more that forbids an action to somebody;
    /// nothing when they cannot be edited.
    fn forbidding(&self, _persona: &str, _action: &str) -> Option<Value> {
        None
    }
}

/// One evaluation in the words of AuthZEN 1.0: subject, action, resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Subject of type `User`.
    pub persona: String,
    /// Action: the `operationId`.
    pub action: String,
    /// Type of the resource, e.g. `Order`, or `Application` when there is none.
    pub resource_type: String,
    /// Its identifier, or the name of the API.
    pub resource_id: String,
    /// Its properties; entities as `{"type": "User", "id": "alice"}`.
    pub properties: BTreeMap<String, Value>,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// May.
    Allow,
    /// May not.
    Deny,
}

/// How a persona stands to the object of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// It is the persona's own.
    Own,
    /// It belongs to somebody else of the same tenant.
    SameTenant,
    /// It belongs to somebody of another tenant.
    OtherTenant,
    /// There is no object, or nobody is asking.
    None,
}

impl Decision {
    /// As reports print it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Allow => "allow",
            Decision::Deny => "deny",
        }
    }
}

impl Relation {
    /// As reports print it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Relation::Own => "own",
            Relation::SameTenant => "same-tenant",
            Relation::OtherTenant => "other-tenant",
            Relation::None => "none",
        }
    }

    /// How one persona stands to another's objects. Personas without tenant share one.
    #[must_use]
    pub fn between(target: &Target, persona: &str, owner: &str) -> Self {
        let tenant = |name: &str| target.personas.get(name).and_then(|persona| persona.tenant.as_deref());
        if persona == owner {
            Relation::Own
        } else if tenant(persona) == tenant(owner) {
            Relation::SameTenant
        } else {
            Relation::OtherTenant
        }
    }
}

/// What is asked: one operation, by somebody or nobody, on somebody's object or none.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// `operationId`.
    pub operation: &'a str,
    /// Who asks; nobody is anonymous.
    pub persona: Option<&'a str>,
    /// Whose object it is.
    pub owner: Option<&'a str>,
}

/// The expected answer, from the source that the rules name.
///
/// # Errors
/// When the policies cannot answer.
pub fn expected(target: &Target, asked: Asked<'_>) -> Result<Decision, String> {
    match (&target.decider, target.access.oracle, asked.persona) {
        (Some(decider), OracleKind::Policy, Some(persona)) if !is_for_anyone(target, asked.operation) => {
            if decider.knows(asked.operation) {
                return decider.decide(&question(target, persona, asked));
            }
            // The policies do not know it: check `unknown-action` says so, the written rule decides.
            Ok(expected_by_rule(target, asked))
        }
        _ => Ok(expected_by_rule(target, asked)),
    }
}

/// The answer of the written rules.
#[must_use]
pub fn expected_by_rule(target: &Target, asked: Asked<'_>) -> Decision {
    let persona: Option<&Persona> = asked.persona.and_then(|name| target.personas.get(name));
    let relation = match (asked.persona, asked.owner) {
        (Some(persona), Some(owner)) => Relation::between(target, persona, owner),
        _ => Relation::None,
    };
    target.access.rules.get(asked.operation).map_or(Decision::Deny, |rule| by_rule(rule, persona, relation))
}

/// The question for the policies.
#[must_use]
pub fn question(target: &Target, persona: &str, asked: Asked<'_>) -> Question {
    let resource = target.access.rules.get(asked.operation).and_then(|rule| rule.on.as_ref());
    let resource = resource.and_then(|name| target.access.resources.get(name));
    let (resource_type, resource_id, properties) = match (resource, asked.owner) {
        (Some(resource), Some(owner)) => {
            (resource.entity.kind.clone(), format!("of-{owner}"), properties(target, resource, owner))
        }
        _ => ("Application".to_owned(), target.name.clone(), BTreeMap::new()),
    };
    Question { persona: persona.to_owned(), action: asked.operation.to_owned(), resource_type, resource_id, properties }
}

fn properties(target: &Target, resource: &Resource, owner: &str) -> BTreeMap<String, Value> {
    let mut properties = BTreeMap::from([(resource.entity.owner.clone(), json!({"type": "User", "id": owner}))]);
    if let Some(tenant) = target.personas.get(owner).and_then(|persona| persona.tenant.as_ref()) {
        properties.insert(resource.entity.tenant.clone(), json!({"type": "Tenant", "id": tenant}));
    }
    properties
}

#[cfg(test)]
mod tests;
