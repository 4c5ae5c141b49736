//! Why a question was answered so: the policies that decided, and each `permit` that nearly did, condition by condition.
//!
//! The policy engine names no policy for a denial because nothing permits; this is the missing half of its answer. Must not
//! know who asks or how it is shown.

mod clauses;
mod note;
mod scope;
mod syntax;
mod words;

use cedar_policy::EntityUid;
use serde::Serialize;

pub(super) use clauses::{Clauses, Numbers};
pub use note::{NearMiss, NearMisses, Note};
pub(super) use scope::Scope;

use super::engine::{Decision, Engine, Policy, Prepared, QuestionError};
use super::question::Question;
use crate::directory::Directory;

/// A decision with its reasons.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The decision, exactly as it is given without reasons.
    #[serde(flatten)]
    pub decision: Decision,
    /// The policies that decided; none for a denial because nothing permits.
    pub deciding: Vec<Account>,
    /// For a denial: each `permit` for this action and type of resource that did not apply, the nearest first.
    pub near_misses: Vec<Account>,
}

/// What one policy made of one question.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Account {
    /// The `@id("…")` annotation, or `FILE:LINE`.
    pub policy: String,
    /// `permit` or `forbid`.
    pub effect: &'static str,
    /// Name of its file.
    pub file: String,
    /// Line where it begins, 1-based.
    pub line: usize,
    /// Which parts of its scope do not match; none for a policy that decided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<ScopeMismatch>,
    /// Of a policy that decided: all its conditions. Of a near miss: those that kept it from applying.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// A part of a scope that does not match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScopeMismatch {
    /// What the policy asks for, in words.
    pub required: String,
    /// What there is instead, in words.
    pub found: String,
}

/// One condition of a policy, evaluated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Condition {
    /// In the policy language.
    pub text: String,
    /// Whether it is written below `unless`: then it must be false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unless: bool,
    /// What it came to.
    pub outcome: Outcome,
    /// What it was computed from: expression and value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Operand>,
}

/// What a condition came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was true.
    True,
    /// It was false.
    False,
    /// It could not be evaluated, for this reason.
    Error(String),
}

/// A part of a condition with its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Operand {
    /// In the policy language, e.g. `resource.owner`.
    pub text: String,
    /// Its value, likewise, e.g. `User::"alice"`.
    pub value: String,
}

impl Engine {
    /// Decides, and says why.
    ///
    /// # Errors
    /// As [`Engine::decide`].
    pub fn explain(&self, question: &Question, directory: &Directory) -> Result<Explanation, QuestionError> {
        let prepared = match self.prepare(question, directory)? {
            Ok(prepared) => prepared,
            Err(decision) => return Ok(Explanation { decision, deciding: Vec::new(), near_misses: Vec::new() }),
        };
        let decision = self.authorize(&prepared);
        let (mut deciding, mut near_misses) = (Vec::new(), Vec::new());
        let nothing_permits = !decision.allowed && decision.determining.is_empty();
        for part in self.dissected() {
            if decision.determining.contains(&part.policy.id) {
                deciding.push(Account::new(part.policy, Vec::new(), part.clauses.evaluate(&prepared)));
            } else if nothing_permits && part.policy.permits {
                near_misses.extend(
                    part.scope
                        .mismatches(&prepared)
                        .map(|scope| Account::new(part.policy, scope, obstacles(part.clauses.evaluate(&prepared)))),
                );
            }
        }
        near_misses.sort_by_key(|account| account.scope.len() + account.conditions.len());
        Ok(Explanation { decision, deciding, near_misses })
    }
}

impl Account {
    fn new(policy: &Policy, scope: Vec<ScopeMismatch>, conditions: Vec<Condition>) -> Self {
        Self {
            policy: policy.id.clone(),
            effect: if policy.permits { "permit" } else { "forbid" },
            file: policy.file.clone(),
            line: policy.line,
            scope,
            conditions,
        }
    }

    /// What would have had to hold, in words, without any value.
    #[must_use]
    pub fn required(&self) -> Vec<String> {
        let scope = self.scope.iter().map(|mismatch| mismatch.required.clone());
        let conditions = self.conditions.iter().map(|condition| required(&condition.text, condition.unless));
        scope.chain(conditions).collect()
    }
}

impl Condition {
    /// Whether it let its policy apply.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.outcome == if self.unless { Outcome::False } else { Outcome::True }
    }
}

/// What a condition asks for, in words.
fn required(text: &str, unless: bool) -> String {
    if unless { format!("unless {text}") } else { text.to_owned() }
}

/// What kept a policy from applying. An error behind a condition that failed is none of the reasons: `principal has level
/// && principal.level > 8` never gets there.
fn obstacles(conditions: Vec<Condition>) -> Vec<Condition> {
    let mut obstacles: Vec<Condition> = Vec::new();
    for condition in conditions.into_iter().filter(|condition| !condition.holds()) {
        if obstacles.is_empty() || !matches!(condition.outcome, Outcome::Error(_)) {
            obstacles.push(condition);
        }
    }
    obstacles
}

/// The groups that an entity is in, directly or not, sorted.
fn groups(entity: &EntityUid, prepared: &Prepared) -> Vec<String> {
    let ancestors = prepared.entities.ancestors(entity).into_iter().flatten();
    let mut groups: Vec<String> = ancestors.map(ToString::to_string).collect();
    groups.sort();
    groups
}

#[cfg(test)]
mod tests;
