//! Is a token refused whose user authenticated too weakly or too long ago (RFC 9470 §5)? Only where an operation asks for
//! more than a token, and no rule can say so yet: the tokens are in the catalogue, and nothing is planned.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, reach};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "step-up",
    title: "takes a weak authentication for a strong one",
    layer: Layer::Token,
    tier: Tier::Profile,
    owasp: "API2:2023",
    cwe: "CWE-308",
    severity: Severity::Medium,
    work: Work::Online(|_| (), reach::judge),
};
