//! Is another spelling of a path guarded as the path is?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, identity, shaped_request};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "unguarded-path",
    title: "answers another spelling of the request without a token",
    layer: Layer::Token,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-288",
    severity: Severity::Critical,
    work: Work::Online(|draft| shaped_request::plan(draft, "unguarded-path"), identity::judge),
};
