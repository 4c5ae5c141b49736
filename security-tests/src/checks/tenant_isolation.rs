//! Is an object of another tenant out of reach, also for the right role in the wrong tenant?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, matrix_case, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "tenant-isolation",
    title: "gives access to an object of another tenant",
    layer: Layer::Access,
    tier: Tier::Exploit,
    owasp: "API1:2023",
    cwe: "CWE-639",
    severity: Severity::Critical,
    work: Work::Online(|draft| matrix_case::plan(draft, "tenant-isolation"), reach::judge),
};
