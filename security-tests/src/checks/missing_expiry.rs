//! Is a token refused that never ends (RFC 9068 §2.2)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "missing-expiry",
    title: "accepts a token without an end",
    layer: Layer::Token,
    tier: Tier::Profile,
    owasp: "API2:2023",
    cwe: "CWE-613",
    severity: Severity::Medium,
    work: Work::Online(|draft| forged_token::plan(draft, "missing-expiry"), reach::judge),
};
