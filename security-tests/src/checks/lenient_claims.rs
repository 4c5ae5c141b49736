//! Are times read strictly (RFC 7519 §2)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "lenient-claims",
    title: "reads the times of a token leniently",
    layer: Layer::Token,
    tier: Tier::Hardening,
    owasp: "API2:2023",
    cwe: "CWE-1287",
    severity: Severity::Low,
    work: Work::Online(|draft| forged_token::plan(draft, "lenient-claims"), reach::judge),
};
