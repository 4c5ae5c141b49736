//! Is a request without a token refused? Its refusal is also how the other judges learn what a refusal looks like.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, matrix_case, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "missing-authentication",
    title: "answers without a token",
    layer: Layer::Token,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-306",
    severity: Severity::Critical,
    work: Work::Online(|draft| matrix_case::plan(draft, "missing-authentication"), reach::judge),
};
