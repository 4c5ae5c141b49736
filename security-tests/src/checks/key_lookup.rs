//! Is the `kid` of a token a name in a list of keys, and never a path, a query or a reason to look away?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "key-lookup",
    title: "takes the key from wherever the token says",
    layer: Layer::Token,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-73",
    severity: Severity::Critical,
    work: Work::Online(|draft| forged_token::plan(draft, "key-lookup"), reach::judge),
};
