//! Is a token refused that says it needs no signature (RFC 8725 §3.2)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "unsigned-token",
    title: "accepts a token without a signature",
    layer: Layer::Token,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-347",
    severity: Severity::Critical,
    work: Work::Online(|draft| forged_token::plan(draft, "unsigned-token"), reach::judge),
};
