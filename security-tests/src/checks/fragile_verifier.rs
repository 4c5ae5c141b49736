//! Does the API fail over odd claims in a token that is properly signed? Only its own provider could make such a token.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work};
use crate::verdict::{Layer, Severity, Tier};

/// Its cases are those of other checks of tokens that were answered with a 5xx.
pub(super) static CHECK: Check = Check {
    id: "fragile-verifier",
    title: "fails over a properly signed token with odd claims",
    layer: Layer::Token,
    tier: Tier::Hardening,
    owasp: "API8:2023",
    cwe: "CWE-755",
    severity: Severity::Low,
    work: Work::ByTheWay,
};
