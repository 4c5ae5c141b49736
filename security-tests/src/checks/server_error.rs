//! A 5xx is neither a denial nor a success. Every case of another check may end as one of these.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "server-error",
    title: "fails instead of refusing",
    layer: Layer::Access,
    tier: Tier::Exploit,
    owasp: "API8:2023",
    cwe: "CWE-755",
    severity: Severity::Medium,
    work: Work::ByTheWay,
};
