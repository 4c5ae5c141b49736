//! Is a token refused whose algorithm is not the one agreed on, though of the same family (RFC 8725 §3.1)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "algorithm-family",
    title: "lets the token choose among algorithms",
    layer: Layer::Token,
    tier: Tier::Profile,
    owasp: "API2:2023",
    cwe: "CWE-757",
    severity: Severity::Low,
    work: Work::Online(|draft| forged_token::plan(draft, "algorithm-family"), reach::judge),
};
