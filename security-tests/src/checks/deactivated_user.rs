//! Is a user refused on the next request after deactivation in the directory (RFC 7643 §4.1.1, `active`)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, reach, session_case};
use crate::plan::{Action, Draft};
use crate::scim::replace_active;
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "deactivated-user",
    title: "answers a user who was deactivated",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-613",
    severity: Severity::High,
    work: Work::Online(plan, reach::judge),
};

fn plan(draft: &mut Draft<'_>) {
    if draft.target.directory.is_none() {
        return;
    }
    session_case::for_representatives(draft, CHECK.id, |persona| {
        let set = |active: bool| Action::PatchUser(persona.to_owned(), replace_active(active));
        (set(false), Some(set(true)))
    });
}
