//! Is a token refused that says where its key can be fetched (RFC 8725 §3.10)? Fetching it is also a request
//! that the attacker steers.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "remote-key",
    title: "fetches the key that a token points to",
    layer: Layer::Token,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-918",
    severity: Severity::Critical,
    work: Work::Online(|draft| forged_token::plan(draft, "remote-key"), reach::judge),
};
