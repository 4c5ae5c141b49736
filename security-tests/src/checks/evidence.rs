//! What was recorded, as judges look at it. Must not know single checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use crate::exchange::{Answer, Exchange, NoAnswer};
use crate::oracle::{Asked, Decision, expected};
use crate::plan::{Marker, StepId, TestPlan, marker_prefix};
use crate::target::Target;

/// A plan and what came back.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// What is tested.
    pub target: &'a Target,
    /// What was planned.
    pub plan: &'a TestPlan,
    /// What happened to each step.
    pub exchanges: &'a [Option<Exchange>],
}

impl<'a> Evidence<'a> {
    /// The answer to a step.
    ///
    /// # Errors
    /// Why there is none.
    pub fn answer(&self, step: StepId) -> Result<&'a Answer, NoAnswer> {
        match self.exchanges.get(step).and_then(Option::as_ref) {
            Some(exchange) => exchange.result.as_ref().map_err(Clone::clone),
            None => Err(NoAnswer::NotSent("the run ended before".to_owned())),
        }
    }

    /// The answer to a step that may not have been planned.
    #[must_use]
    pub fn optional(&self, step: Option<StepId>) -> Option<&'a Answer> {
        self.answer(step?).ok()
    }

    /// What this operation answers without a token.
    #[must_use]
    pub fn anonymous(&self, operation: &str) -> Option<&'a Answer> {
        self.optional(self.plan.anonymous.get(operation).copied())
    }

    /// Whether an answer names an actor, as the API calls them: by name or by address.
    #[must_use]
    pub fn names(&self, answer: &Answer, actor: &str) -> bool {
        let account = self.plan.accounts.get(actor);
        let identities = account.map_or(vec![actor], |account| vec![account.username.as_str(), account.email.as_str()]);
        identities.into_iter().any(|identity| answer.text.contains(&format!("\"{identity}\"")))
    }

    /// Whether an answer is how this API refuses or does not find, learned from requests that cannot have worked.
    #[must_use]
    pub fn is_learned_refusal(&self, answer: &Answer) -> bool {
        let nowhere = self.optional(self.plan.nowhere);
        nowhere
            .is_some_and(|nowhere| answer.resembles(nowhere) && (answer.json.is_some() || answer.text == nowhere.text))
    }

    /// The markers in a text, except one.
    #[must_use]
    pub fn markers(&self, text: &str, except: Option<&str>) -> Vec<&'a Marker> {
        let prefix = marker_prefix(self.plan);
        let length = prefix.len() + 5;
        let found: BTreeSet<&str> = text
            .match_indices(&prefix)
            .filter_map(|(start, _)| text.get(start..start + length))
            .filter(|marker| Some(*marker) != except)
            .collect();
        found.into_iter().filter_map(|marker| self.plan.markers.get(marker)).collect()
    }

    /// A marker in a text that somebody must not see.
    #[must_use]
    pub fn leak(&self, answer: &Answer, persona: Option<&str>, except: Option<&str>) -> Option<&'a Marker> {
        self.markers(&answer.text, except).into_iter().find(|marker| self.must_not_see(persona, marker))
    }

    /// Whether somebody must not read the object of a marker: by what reads such objects, whoever made it. The oracle is
    /// asked about markers that were seen, not about everybody and everything beforehand.
    #[must_use]
    pub fn must_not_see(&self, persona: Option<&str>, marker: &Marker) -> bool {
        let personas = &self.target.personas;
        let Some(resource) = self.target.access.resources.get(&marker.resource) else { return false };
        let known = |name: &str| personas.contains_key(name);
        let asked = Asked { operation: &resource.read, persona, owner: Some(&marker.owner) };
        known(&marker.owner) && persona.is_none_or(known) && expected(self.target, asked) != Ok(Decision::Allow)
    }
}
