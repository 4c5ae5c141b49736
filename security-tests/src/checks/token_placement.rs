//! Is a token only taken from where it belongs (RFC 6750 §5.3)? In a query it ends in logs, in a cookie it is
//! sent by other sites.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, identity, shaped_request};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "token-placement",
    title: "takes a token from where it does not belong",
    layer: Layer::Token,
    tier: Tier::Hardening,
    owasp: "API2:2023",
    cwe: "CWE-598",
    severity: Severity::Low,
    work: Work::Online(|draft| shaped_request::plan(draft, "token-placement"), identity::judge),
};
