//! Is another's object out of reach (broken object level authorization)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, matrix_case, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "object-access",
    title: "gives access to an object of somebody else",
    layer: Layer::Access,
    tier: Tier::Exploit,
    owasp: "API1:2023",
    cwe: "CWE-639",
    severity: Severity::High,
    work: Work::Online(|draft| matrix_case::plan(draft, "object-access"), reach::judge),
};
