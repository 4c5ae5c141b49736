//! Is a token of another issuer refused (RFC 9068 §4)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "wrong-issuer",
    title: "accepts a token of another issuer",
    layer: Layer::Token,
    tier: Tier::Profile,
    owasp: "API2:2023",
    cwe: "CWE-346",
    severity: Severity::Medium,
    work: Work::Online(|draft| forged_token::plan(draft, "wrong-issuer"), reach::judge),
};
