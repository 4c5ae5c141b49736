//! Does the document declare security for each operation that is not for anyone? Generated clients and gateways believe it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Fact, Offline, Work};
use crate::api::Security;
use crate::oracle::is_for_anyone;
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "undeclared-security",
    title: "declares no security in the OpenAPI document",
    layer: Layer::Static,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-306",
    severity: Severity::Medium,
    work: Work::Offline(facts),
};

fn facts(offline: &Offline<'_>) -> Vec<Fact> {
    let rules = &offline.target.access.rules;
    let of_interest = offline.operations.iter().filter(|operation| {
        let decided = rules.contains_key(&operation.id) && !is_for_anyone(offline.target, &operation.id);
        decided && operation.security != Security::Undocumented
    });
    let judge = |security: Security| match security {
        Security::None => Outcome::Fail(Confidence::Confirmed, "a rule protects it, the document does not".to_owned()),
        // Alternatives with an empty requirement: the route answers anonymous callers something else. The access
        // layer sees what.
        Security::Optional | Security::Required | Security::Undocumented => Outcome::Pass("declared".to_owned()),
    };
    of_interest.map(|operation| Fact::of(&operation.id, judge(operation.security))).collect()
}
