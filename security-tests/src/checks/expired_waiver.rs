//! Has a waiver outlived its date? An accepted risk is accepted until a day, not for ever.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Fact, Offline, Work};
use crate::oracle::Relation;
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "expired-waiver",
    title: "is waived by a waiver that has expired",
    layer: Layer::Static,
    tier: Tier::Exploit,
    owasp: "API9:2023",
    cwe: "CWE-1059",
    severity: Severity::Medium,
    work: Work::Offline(facts),
};

fn facts(offline: &Offline<'_>) -> Vec<Fact> {
    let fact = |waiver: &crate::access::Waiver| {
        // `YYYY-MM-DD` sorts as it reads. Without a clock nothing has expired.
        let expired = waiver.expires.as_str() < offline.today;
        let outcome = if expired {
            let what = format!("the waiver of `{}` expired on {}", waiver.finding, waiver.expires);
            Outcome::Fail(Confidence::Confirmed, what)
        } else {
            Outcome::Pass(format!("holds until {}", waiver.expires))
        };
        let operation = waiver.finding.split(':').nth(1).unwrap_or_default().to_owned();
        Fact { name: waiver.finding.clone(), operation, persona: None, relation: Relation::None, outcome }
    };
    offline.target.access.waivers.iter().map(fact).collect()
}
