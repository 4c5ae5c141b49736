//! Is a request refused that names its user in a header and carries no token? Such headers mean something only between
//! a proxy and an API that nobody else can reach.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, reach, shaped_request};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "trusted-identity-header",
    title: "trusts a header that names the user",
    layer: Layer::Token,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-290",
    severity: Severity::Critical,
    work: Work::Online(|draft| shaped_request::plan(draft, "trusted-identity-header"), reach::judge),
};
