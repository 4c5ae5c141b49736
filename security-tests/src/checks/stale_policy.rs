//! Does an edit of the policies decide within a second, without a restart?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::session_case::{self, Place, judge};
use super::{Check, Work};
use crate::plan::{Action, Draft, Until, World};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "stale-policy",
    title: "still allows what the policies forbid now",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API5:2023",
    cwe: "CWE-613",
    severity: Severity::High,
    work: Work::Online(plan, judge),
};

fn plan(draft: &mut Draft<'_>) {
    let Some((operation, persona)) = session_case::somebody(draft) else { return };
    let decider = draft.target.decider.as_ref().filter(|_| draft.target.controls.iam.is_some());
    // Only policies that know the operation can forbid it.
    let can = decider
        .is_some_and(|decider| decider.knows(&operation.id) && decider.forbidding(&persona, &operation.id).is_some());
    if !can {
        return;
    }
    let edit = Action::World(World::Forbid { persona: persona.clone(), operation: operation.id.clone() });
    let place = Place { operation: &operation, owner: None, persona: &persona };
    let back = Action::World(World::PoliciesBack);
    session_case::plan(draft, CHECK.id, (&place, Some(Until::Refused)), (edit, Some(back)));
}
