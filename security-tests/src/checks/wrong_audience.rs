//! Is a token for another API refused (RFC 9068 §4)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "wrong-audience",
    title: "accepts a token for another API",
    layer: Layer::Token,
    tier: Tier::Profile,
    owasp: "API2:2023",
    cwe: "CWE-441",
    severity: Severity::Medium,
    work: Work::Online(|draft| forged_token::plan(draft, "wrong-audience"), reach::judge),
};
