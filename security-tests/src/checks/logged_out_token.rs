//! Is a token refused after its owner logged out?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, account_case, reach};
use crate::plan::Draft;
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "logged-out-token",
    title: "accepts a token after its owner logged out",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-613",
    severity: Severity::Medium,
    work: Work::Online(plan, reach::judge),
};

fn plan(draft: &mut Draft<'_>) {
    let Some(call) = draft.login().and_then(|login| login.logout.clone()) else { return };
    let Some(subject) = account_case::subject(draft) else { return };
    let Some(change) = subject.change(draft, &call, &[]) else { return };
    let attack = subject.ask_again(draft);
    draft.case(subject.case(CHECK.id, "", (attack, vec![change])));
}
