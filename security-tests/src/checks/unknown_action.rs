//! Does the policy schema know every operation that has a rule?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Fact, Offline, Work};
use crate::oracle::is_for_anyone;
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "unknown-action",
    title: "is not an action of the policy schema",
    layer: Layer::Static,
    tier: Tier::Exploit,
    owasp: "API5:2023",
    cwe: "CWE-862",
    severity: Severity::Medium,
    work: Work::Offline(facts),
};

fn facts(offline: &Offline<'_>) -> Vec<Fact> {
    let Some(decider) = &offline.target.decider else { return Vec::new() };
    let actions = decider.actions();
    let rules = &offline.target.access.rules;
    let of_interest = offline
        .operations
        .iter()
        .filter(|operation| rules.contains_key(&operation.id) && !is_for_anyone(offline.target, &operation.id));
    let judge = |id: &String| {
        if actions.contains(id) {
            Outcome::Pass("is an action".to_owned())
        } else {
            Outcome::Fail(Confidence::Confirmed, "the policy schema has no action of this name".to_owned())
        }
    };
    of_interest.map(|operation| Fact::of(&operation.id, judge(&operation.id))).collect()
}
