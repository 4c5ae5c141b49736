//! Is a token refused on the next request after it was revoked (RFC 7009 §2.2)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, reach, session_case};
use crate::plan::{Action, Draft};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "revoked-token",
    title: "accepts a token after it was revoked",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-613",
    severity: Severity::High,
    work: Work::Online(plan, reach::judge),
};

fn plan(draft: &mut Draft<'_>) {
    if draft.target.provider.is_none() {
        return;
    }
    session_case::for_representatives(draft, CHECK.id, |persona| (Action::EndSessions(persona.to_owned()), None));
}
