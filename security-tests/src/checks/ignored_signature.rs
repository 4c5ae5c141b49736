//! Is a token refused whose signature is not the provider's (RFC 7515 §5.2)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "ignored-signature",
    title: "accepts a token with a wrong signature",
    layer: Layer::Token,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-347",
    severity: Severity::Critical,
    work: Work::Online(|draft| forged_token::plan(draft, "ignored-signature"), reach::judge),
};
