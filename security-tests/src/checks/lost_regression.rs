//! Can a pinned case still be asked? A regression test that silently stops to exist protects nobody.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work};
use crate::verdict::{Layer, Severity, Tier};

/// Its cases are the pinned ones that are not in the plan, found when that is complete.
pub(super) static CHECK: Check = Check {
    id: "lost-regression",
    title: "is named by a pinned case that cannot be asked any more",
    layer: Layer::Static,
    tier: Tier::Exploit,
    owasp: "API9:2023",
    cwe: "CWE-1059",
    severity: Severity::Medium,
    work: Work::ByTheWay,
};
