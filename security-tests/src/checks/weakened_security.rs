//! Does the document ask callers for less than at the base revision? Gateways and generated servers enforce what it says.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Fact, Offline, Work};
use crate::api::{Change, Operation, Requirements, Security};
use crate::oracle::is_for_anyone;
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "weakened-security",
    title: "asks for less than before in the OpenAPI document",
    layer: Layer::Static,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-862",
    severity: Severity::Medium,
    work: Work::Offline(weakened),
};

/// What is neither weaker nor stronger somebody should look at.
pub(super) static CHANGED: Check = Check {
    id: "changed-security",
    title: "asks for something else than before in the OpenAPI document",
    layer: Layer::Static,
    tier: Tier::Hardening,
    owasp: "API8:2023",
    cwe: "CWE-862",
    severity: Severity::Low,
    work: Work::Offline(changed),
};

fn weakened(offline: &Offline<'_>) -> Vec<Fact> {
    let judge = |(operation, before, change): (&Operation, Requirements, Change)| {
        let outcome = match change {
            // The rule was changed with it, in the same review: the lock file shows that.
            Change::Weaker if is_for_anyone(offline.target, &operation.id) => {
                Outcome::Pass("weaker, and for anyone by its rule".to_owned())
            }
            Change::Weaker => Outcome::Fail(Confidence::Confirmed, difference(offline, operation, &before)),
            Change::Equal => Outcome::Pass("as before".to_owned()),
            Change::Stronger => Outcome::Pass("stronger than before".to_owned()),
            Change::Incomparable => Outcome::Pass("neither weaker nor stronger than before".to_owned()),
        };
        Fact::of(&operation.id, outcome)
    };
    compared(offline).into_iter().map(judge).collect()
}

fn changed(offline: &Offline<'_>) -> Vec<Fact> {
    let judge = |(operation, before, change): (&Operation, Requirements, Change)| {
        let what = || difference(offline, operation, &before);
        let outcome = (change == Change::Incomparable).then(|| Outcome::Fail(Confidence::Suspected, what()));
        outcome.map(|outcome| Fact::of(&operation.id, outcome))
    };
    compared(offline).into_iter().filter_map(judge).collect()
}

/// The operations that were there before, with what they asked for.
fn compared<'a>(offline: &Offline<'a>) -> Vec<(&'a Operation, Requirements, Change)> {
    let Some(before) = offline.target.base.as_ref().and_then(|base| base.api.as_ref()) else { return Vec::new() };
    let documented = offline.operations.iter().filter(|operation| operation.security != Security::Undocumented);
    let compare = |operation: &&'a Operation| {
        let (_, then) = offline.target.api.earlier(operation, before)?;
        let change = operation.requirements.change_from(&then);
        Some((*operation, then, change))
    };
    documented.filter_map(compare).collect()
}

fn difference(offline: &Offline<'_>, operation: &Operation, before: &Requirements) -> String {
    let revision = offline.target.base.as_ref().map_or("", |base| base.revision.as_str());
    format!("at {revision} it asked for {before}; now for {}", operation.requirements)
}
