//! Is a token refused whose header demands something unknown (RFC 7515 §4.1.11)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "critical-header",
    title: "ignores what a token marks as critical",
    layer: Layer::Token,
    tier: Tier::Profile,
    owasp: "API2:2023",
    cwe: "CWE-358",
    severity: Severity::Low,
    work: Work::Online(|draft| forged_token::plan(draft, "critical-header"), reach::judge),
};
