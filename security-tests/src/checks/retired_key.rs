//! Is a token good while the key that signed it is published, also after another one signs, and refused once that key is
//! retired?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::session_case::{self, Place, Session, judge};
use super::{Check, Work};
use crate::plan::{Action, Draft, Phase, Role, Until, World};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "retired-key",
    title: "believes a key that was retired",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-324",
    severity: Severity::High,
    work: Work::Online(plan, judge),
};

fn plan(draft: &mut Draft<'_>) {
    let controls = &draft.target.controls;
    if !controls.provider || !controls.signed_tokens {
        return;
    }
    let Some((operation, persona)) = session_case::somebody(draft) else { return };
    let group = draft.group(Phase::Session);
    // The key that is retired is one that was made for it: tokens that are out there stay good.
    let first = draft.step(group, Role::Change, Action::World(World::NewKey));
    draft.step(group, Role::Setup, Action::FreshToken(persona.clone()));
    let place = Place { operation: &operation, owner: None, persona: &persona };
    let mut session = Session::opened(draft, group, (&place, &persona, None));
    session.needs.push(first);
    session.change(draft, Action::World(World::NewKey));
    let still = session.ask(draft, Role::Probe, None);
    session.needs.push(still);
    session.change(draft, Action::World(World::RetireKey));
    let attack = session.ask(draft, Role::Attack, Some(Until::Refused));
    session.restore(draft, Action::World(World::KeysBack));
    let case = session.case(CHECK.id, "", attack);
    draft.case(case);
}
