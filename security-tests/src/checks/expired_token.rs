//! Is a token refused after its time (RFC 7519 §4.1.4)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "expired-token",
    title: "accepts an expired token",
    layer: Layer::Token,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-613",
    severity: Severity::High,
    work: Work::Online(|draft| forged_token::plan(draft, "expired-token"), reach::judge),
};
