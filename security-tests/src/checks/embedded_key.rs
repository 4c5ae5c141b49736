//! Is a token refused that brings its own key (RFC 8725 §2.3)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "embedded-key",
    title: "accepts a token signed with a key that it brings itself",
    layer: Layer::Token,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-347",
    severity: Severity::Critical,
    work: Work::Online(|draft| forged_token::plan(draft, "embedded-key"), reach::judge),
};
