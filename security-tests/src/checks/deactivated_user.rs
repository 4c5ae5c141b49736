//! Is a user refused on the next request after deactivation in the directory (RFC 7643 §4.1.1, `active`)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::session_case::{Place, Session, judge};
use super::{Check, Work, session_case};
use crate::plan::{Action, Draft, Role, World};
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
    work: Work::Online(plan, judge),
};

fn plan(draft: &mut Draft<'_>) {
    if draft.target.directory.is_none() {
        return;
    }
    session_case::for_representatives(draft, CHECK.id, |persona| {
        let set = |active: bool| Action::PatchUser(persona.to_owned(), replace_active(active));
        (set(false), Some(set(true)))
    });
    deleted(draft);
}

/// Somebody who is deleted is not there either.
fn deleted(draft: &mut Draft<'_>) {
    let Some((operation, persona)) = session_case::somebody(draft) else { return };
    // Anybody's own directory is not added to.
    if draft.target.controls.iam.is_none() {
        return;
    }
    let place = Place { operation: &operation, owner: None, persona: &persona };
    let mut session = Session::open_for_stand_in(draft, &place, "deleted", None);
    let actor = session.actor.clone();
    session.change(draft, Action::World(World::RemoveUser(actor)));
    let attack = session.ask(draft, Role::Attack, None);
    let case = session.case(CHECK.id, "deleted", attack);
    draft.case(case);
}
