//! Does every operation have a rule? A new endpoint without one is a decision that nobody took.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Fact, Offline, Work};
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "undecided-operation",
    title: "has no rule",
    layer: Layer::Static,
    tier: Tier::Exploit,
    owasp: "API9:2023",
    cwe: "CWE-862",
    severity: Severity::Medium,
    work: Work::Offline(facts),
};

fn facts(offline: &Offline<'_>) -> Vec<Fact> {
    let judge = |id: &str| {
        if offline.target.access.rules.contains_key(id) {
            Outcome::Pass("has a rule".to_owned())
        } else {
            Outcome::Fail(Confidence::Confirmed, "no rule says who may call it".to_owned())
        }
    };
    offline.operations.iter().map(|operation| Fact::of(&operation.id, judge(&operation.id))).collect()
}
