//! Is an operation for roles out of reach without one (broken function level authorization)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, matrix_case, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "function-access",
    title: "can be called without the role that it needs",
    layer: Layer::Access,
    tier: Tier::Exploit,
    owasp: "API5:2023",
    cwe: "CWE-285",
    severity: Severity::High,
    work: Work::Online(|draft| matrix_case::plan(draft, "function-access"), reach::judge),
};
