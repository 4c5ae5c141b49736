//! Are two `Authorization` headers refused, or one of them both verified and believed (RFC 9110 §5.3)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, identity, shaped_request};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "split-authorization",
    title: "verifies one token and believes another",
    layer: Layer::Token,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-436",
    severity: Severity::Critical,
    work: Work::Online(|draft| shaped_request::plan(draft, "split-authorization"), identity::judge),
};
