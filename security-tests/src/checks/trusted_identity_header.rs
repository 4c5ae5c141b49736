//! Is a request refused that names its user in a header and carries no token? Such headers mean something only between
//! a proxy and an API that nobody else can reach.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, reach};
use crate::oracle::Decision;
use crate::plan::{Attempt, Credential, Draft};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "trusted-identity-header",
    title: "trusts a header that names the user",
    layer: Layer::Token,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-290",
    severity: Severity::Critical,
    work: Work::Online(plan, reach::judge),
};

/// The headers that proxies, gateways and single sign-on modules use.
const HEADERS: [&str; 10] = [
    "X-Forwarded-User",
    "X-User",
    "X-User-Id",
    "X-Username",
    "X-Remote-User",
    "Remote-User",
    "X-Authenticated-User",
    "X-Auth-Request-User",
    "X-WebAuth-User",
    "X-Forwarded-Preferred-Username",
];

fn plan(draft: &mut Draft<'_>) {
    let Some(operation) = forged_token::representative(draft) else { return };
    let Some(persona) = draft.somebody_allowed(&operation, None) else { return };
    for header in HEADERS {
        let headers = vec![(header.to_owned(), persona.clone())];
        let attempt = Attempt { credential: Credential::Anonymous, headers, expected: Decision::Deny };
        let Some(trial) = draft.attempt(&operation, None, attempt) else { continue };
        draft.case(forged_token::impersonation(CHECK.id, &operation, &persona, header, trial));
    }
}
