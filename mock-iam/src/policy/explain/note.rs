//! What the log says of a decision: for a denial because nothing permits, the nearest of its near misses.
//!
//! Made for every decision, so nothing is put into words that is not told. Must not know the log.

use serde::Serialize;

use super::clauses::Memo;
use super::{Decision, Directory, Engine, Explanation, Question, QuestionError};
use crate::policy::engine::{Dissected, Prepared};

/// How many near misses are told: a hundred in each denial are read by nobody and fill disks.
const NEAREST: usize = 10;

/// A decision with what a log keeps of its reasons, without a value of anybody.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Note {
    /// The decision.
    pub decision: Decision,
    /// For a denial because nothing permits: what kept each `permit` for the action from applying.
    pub near_misses: NearMisses,
}

/// The nearest `permit`s that did not apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NearMisses {
    /// Those of which the least is missing, at most ten.
    pub nearest: Vec<NearMiss>,
    /// How many there are besides.
    pub further: usize,
}

/// A `permit` that did not apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NearMiss {
    /// Its id.
    pub policy: String,
    /// What would have had to hold, without anybody's values.
    pub required: Vec<String>,
}

impl Engine {
    /// Decides, and notes what a log keeps: the same as [`Engine::explain`] says, in less time.
    ///
    /// # Errors
    /// As [`Engine::decide`].
    pub fn note(&self, question: &Question, directory: &Directory) -> Result<Note, QuestionError> {
        let prepared = match self.prepare(question, directory)? {
            Ok(prepared) => prepared,
            Err(decision) => return Ok(Note { decision, near_misses: NearMisses::default() }),
        };
        let decision = self.authorize(&prepared);
        let nothing_permits = !decision.allowed && decision.determining.is_empty();
        let near_misses = if nothing_permits { self.near_misses(&prepared) } else { NearMisses::default() };
        Ok(Note { decision, near_misses })
    }

    fn near_misses(&self, prepared: &Prepared) -> NearMisses {
        let mut memo = Memo::new();
        let permits = self.dissected().filter(|part| part.policy.permits);
        let mut missed: Vec<_> = permits
            .filter_map(|part| {
                let scope = part.scope.unmet(prepared)?;
                let conditions = part.clauses.unmet(prepared, &mut memo);
                Some((scope + conditions.len(), part, conditions))
            })
            .collect();
        missed.sort_by_key(|(distance, ..)| *distance);
        let further = missed.len().saturating_sub(NEAREST);
        let nearest = missed.iter().take(NEAREST).map(|(_, part, conditions)| near_miss(part, conditions, prepared));
        NearMisses { nearest: nearest.collect(), further }
    }
}

impl From<&Explanation> for NearMisses {
    fn from(explanation: &Explanation) -> Self {
        let all = &explanation.near_misses;
        let nearest = all.iter().take(NEAREST);
        let nearest = nearest.map(|account| NearMiss { policy: account.policy.clone(), required: account.required() });
        Self { nearest: nearest.collect(), further: all.len().saturating_sub(NEAREST) }
    }
}

fn near_miss(part: &Dissected<'_>, conditions: &[usize], prepared: &Prepared) -> NearMiss {
    let mut required = part.scope.required(prepared).unwrap_or_default();
    required.extend(conditions.iter().filter_map(|place| part.clauses.required(*place)));
    NearMiss { policy: part.policy.id.clone(), required }
}
