//! Is a token refused before its time (RFC 7519 §4.1.5)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "premature-token",
    title: "accepts a token before its time",
    layer: Layer::Token,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-672",
    severity: Severity::High,
    work: Work::Online(|draft| forged_token::plan(draft, "premature-token"), reach::judge),
};
