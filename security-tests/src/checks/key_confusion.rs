//! Is a token refused whose HMAC secret is the published key (RFC 8725 §2.1)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "key-confusion",
    title: "accepts a token signed with the public key as secret",
    layer: Layer::Token,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-327",
    severity: Severity::Critical,
    work: Work::Online(|draft| forged_token::plan(draft, "key-confusion"), reach::judge),
};
