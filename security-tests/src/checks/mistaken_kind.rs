//! Is a valid token refused that says it is of another kind, one for refreshing? Advice: it is only at fault where
//! tokens of another kind exist. Needs the team's signing key.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, reach, unknown_subject};
use crate::tokens::{Change, Mint};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "mistaken-kind",
    title: "accepts a token that says it is of another kind",
    layer: Layer::Token,
    tier: Tier::Hardening,
    owasp: "API2:2023",
    cwe: "CWE-287",
    severity: Severity::Low,
    work: Work::Online(
        |draft| unknown_subject::plan(draft, CHECK.id, Mint { change: Some(Change::Kind), ..Mint::default() }),
        reach::judge,
    ),
};
