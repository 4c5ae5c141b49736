//! Does a security event that says that a session was revoked end it (CAEP 1.0 §3.1, pushed by RFC 8935), and do events that
//! somebody forged, that were meant for somebody else, or that come again end nothing? Only where `session.events` names the
//! operation that takes them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::statement_case::{self, Checks, Statements};
use super::{Check, Work, session_case};
use crate::access::Receiver;
use crate::plan::{Draft, Statement};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "session-event",
    title: "goes on with a session after the event that ends it",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-613",
    severity: Severity::High,
    work: Work::Online(plan, session_case::judge),
};

pub(super) static FORGED: Check = Check {
    id: "forged-event",
    title: "lets a forged security event end a session",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-345",
    severity: Severity::Medium,
    work: Work::Online(|_| (), statement_case::judge_wrong),
};

/// Wrong events, as the IAM calls them.
const FAULTS: [(&str, &str); 5] = [
    ("forged", "forged"),
    ("unsigned", "unsigned"),
    ("wrong-audience", "wrong_audience"),
    ("wrong-issuer", "wrong_issuer"),
    ("wrong-type", "wrong_type"),
];

fn plan(draft: &mut Draft<'_>) {
    let Some(receiver) = draft.target.access.session.events.clone() else { return };
    if draft.target.controls.iam.is_none() {
        return;
    }
    let Some(audience) = audience(draft, &receiver) else { return };
    let event = |who: &str, fault: Option<&'static str>| Statement::Event {
        persona: who.to_owned(),
        audience: audience.clone(),
        fault,
    };
    let checks = Checks { honoured: CHECK.id, refused: FORGED.id, short: "event" };
    statement_case::plan(draft, &checks, &receiver, |who| Statements {
        wrong: FAULTS.map(|(name, fault)| (name, event(who, Some(fault)))).to_vec(),
        right: event(who, None),
        again: Statement::EventAgain,
    });
}

/// For whom statements must be.
pub(super) fn audience(draft: &Draft<'_>, receiver: &Receiver) -> Option<String> {
    let of_tokens = || draft.target.provider.as_ref().and_then(|provider| provider.audience.clone());
    receiver.audience.clone().or_else(of_tokens)
}
