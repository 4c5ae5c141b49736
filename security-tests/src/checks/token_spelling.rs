//! Has a token one text only (RFC 7515 §2)? A list of revoked tokens by text is evaded by another text.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "token-spelling",
    title: "accepts several texts for one token",
    layer: Layer::Token,
    tier: Tier::Hardening,
    owasp: "API2:2023",
    cwe: "CWE-1289",
    severity: Severity::Low,
    work: Work::Online(|draft| forged_token::plan(draft, "token-spelling"), reach::judge),
};
