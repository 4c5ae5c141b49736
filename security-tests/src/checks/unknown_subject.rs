//! Is a valid token refused that names somebody whom nobody knows? Needs the team's signing key.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, reach};
use crate::plan::{Attempt, Credential, Draft};
use crate::tokens::{Change, Mint};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "unknown-subject",
    title: "accepts a token of somebody whom nobody knows",
    layer: Layer::Token,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-287",
    severity: Severity::High,
    work: Work::Online(
        |draft| plan(draft, CHECK.id, Mint { change: Some(Change::Subject), ..Mint::default() }),
        reach::refused,
    ),
};

/// Plans a token with the team's key on the operation that says who asks.
pub(super) fn plan(draft: &mut Draft<'_>, check: &'static str, mint: Mint) {
    if draft.login().is_none_or(|login| login.key.is_none()) {
        return;
    }
    let Some(operation) = forged_token::representative(draft) else { return };
    let Some(persona) = draft.somebody_allowed(&operation, None) else { return };
    let mint = Mint { name: check, ..mint };
    let attempt = Attempt::refused(Credential::Minted(persona.clone(), mint));
    let Some(trial) = draft.attempt(&operation, None, attempt) else { return };
    draft.case(forged_token::impersonation(check, &operation, &persona, "minted", trial));
}
