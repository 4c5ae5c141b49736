//! Is a token refused that names two subjects (RFC 7519 §4)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "duplicate-claim",
    title: "accepts a token that says two things",
    layer: Layer::Token,
    tier: Tier::Profile,
    owasp: "API2:2023",
    cwe: "CWE-436",
    severity: Severity::Low,
    work: Work::Online(|draft| forged_token::plan(draft, "duplicate-claim"), reach::judge),
};
