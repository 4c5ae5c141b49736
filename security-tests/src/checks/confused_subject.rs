//! Is a subject taken as it is written (RFC 7519 §4.1.2), and not for somebody with a similar name?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, forged_token, identity};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "confused-subject",
    title: "takes a subject for somebody else",
    layer: Layer::Token,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-287",
    severity: Severity::Critical,
    work: Work::Online(|draft| forged_token::plan(draft, "confused-subject"), identity::judge),
};
