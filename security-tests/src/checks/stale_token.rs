//! Is a token from before a password change refused? Whoever changes a password because it leaked expects that. Advice:
//! self-contained tokens cannot know, and their short life is the usual answer.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, account_case, reach};
use crate::plan::Draft;
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "stale-token",
    title: "accepts a token from before the password was changed",
    layer: Layer::Session,
    tier: Tier::Hardening,
    owasp: "API2:2023",
    cwe: "CWE-613",
    severity: Severity::Low,
    work: Work::Online(plan, reach::judge),
};

fn plan(draft: &mut Draft<'_>) {
    let Some(call) = draft.login().and_then(|login| login.password.clone()) else { return };
    let Some(subject) = account_case::subject(draft) else { return };
    let Some((change, proof)) = subject.change_password(draft, &call) else { return };
    let attack = subject.ask_again(draft);
    draft.case(subject.case(CHECK.id, "", (attack, vec![change, proof])));
}
