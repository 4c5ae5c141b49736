//! Is a token refused on the next request after it was revoked (RFC 7009 §2.2)?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::session_case::{Place, Session, judge};
use super::{Check, Work, session_case};
use crate::plan::{Action, Draft, Phase, Role, World};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "revoked-token",
    title: "accepts a token after it was revoked",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-613",
    severity: Severity::High,
    work: Work::Online(plan, judge),
};

fn plan(draft: &mut Draft<'_>) {
    if draft.target.provider.is_none() {
        return;
    }
    session_case::for_representatives(draft, CHECK.id, |persona| (Action::EndSessions(persona.to_owned()), None));
    after_reuse(draft);
}

/// A refresh token that is used twice was stolen: everything that came of it is revoked (RFC 9700 §4.14.2).
fn after_reuse(draft: &mut Draft<'_>) {
    let Some((operation, persona)) = session_case::somebody(draft) else { return };
    if draft.target.controls.refresh_client.is_none() {
        return;
    }
    let place = Place { operation: &operation, owner: None, persona: &persona };
    let group = draft.group(Phase::Session);
    let begin = [World::RefreshToken(persona.clone()), World::Refresh(persona.clone())];
    let begun = begin.map(|world| draft.step(group, Role::Setup, Action::World(world)));
    let mut session = Session::opened(draft, group, (&place, &persona, None));
    session.needs.extend(begun);
    session.change(draft, Action::World(World::ReuseRefreshToken(persona.clone())));
    let attack = session.ask(draft, Role::Attack, None);
    let case = session.case(CHECK.id, "refresh-token-reused", attack);
    draft.case(case);
}
