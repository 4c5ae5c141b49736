//! Is a token refused that is no access token (RFC 9068 §4): an ID token, a logout token, a refresh token?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "token-kind",
    title: "accepts a token that is no access token",
    layer: Layer::Token,
    tier: Tier::Profile,
    owasp: "API2:2023",
    cwe: "CWE-843",
    severity: Severity::Medium,
    work: Work::Online(|draft| forged_token::plan(draft, "token-kind"), reach::judge),
};
