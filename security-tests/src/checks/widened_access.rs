//! Does somebody have access that the recorded matrix denies? Rules and API may agree on it: it is reviewed all the same.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work};
use crate::verdict::{Layer, Severity, Tier};

/// Its cases are the cells of the matrix, judged when that is known.
pub(super) static CHECK: Check = Check {
    id: "widened-access",
    title: "gives access that authz.lock denies",
    layer: Layer::Access,
    tier: Tier::Exploit,
    owasp: "API5:2023",
    cwe: "CWE-284",
    severity: Severity::High,
    work: Work::ByTheWay,
};
