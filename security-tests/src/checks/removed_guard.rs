//! Did an edit delete a guard from source since the base revision? Only words are compared: advice, never a proof.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Fact, Offline, Work};
use crate::guards::RemovedGuard;
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "removed-guard",
    title: "lost a guard",
    layer: Layer::Static,
    tier: Tier::Hardening,
    owasp: "API5:2023",
    cwe: "CWE-862",
    severity: Severity::Medium,
    work: Work::Offline(facts),
};

fn facts(offline: &Offline<'_>) -> Vec<Fact> {
    let Some(base) = &offline.target.base else { return Vec::new() };
    let fact = |guard: &RemovedGuard| {
        let lines = guard.deleted.iter().map(|(line, text)| format!("line {line}, `{text}`"));
        let deleted = lines.collect::<Vec<_>>().join("; ");
        let what = format!("at {} there was {deleted}; now {}:{}", base.revision, guard.file, guard.line);
        Fact::of(&guard.place(), Outcome::Fail(Confidence::Suspected, what))
    };
    base.guards.iter().map(fact).collect()
}
