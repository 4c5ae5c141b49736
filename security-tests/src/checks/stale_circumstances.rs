//! Does the decision follow when the time, the second factor or the place is another? Only where `refused_when` says which
//! circumstances refuse an operation.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::session_case::{self, Place, judge};
use super::{Check, Work};
use crate::api::Operation;
use crate::plan::{Action, Draft, Until, World};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "stale-circumstances",
    title: "still allows what the circumstances forbid now",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API5:2023",
    cwe: "CWE-613",
    severity: Severity::Medium,
    work: Work::Online(plan, judge),
};

fn plan(draft: &mut Draft<'_>) {
    if draft.target.controls.iam.is_none() {
        return;
    }
    let operations: Vec<Operation> = draft.operations().into_iter().filter(Operation::is_safe).collect();
    for operation in operations {
        let Some(values) = draft.rule(&operation.id).map(|rule| rule.refused_when.clone()) else { continue };
        if values.is_empty() {
            continue;
        }
        let owner = draft.resource_of(&operation.id).and_then(|(name, _)| draft.owners(name).first().cloned());
        let personas = draft.personas();
        let allowed = personas.iter().find(|name| draft.may(&operation.id, Some(name), owner.as_deref()));
        let Some(persona) = allowed else { continue };
        let place = Place { operation: &operation, owner: owner.as_deref(), persona };
        let change = Action::World(World::Circumstances(values));
        let back = Action::World(World::CircumstancesBack);
        session_case::plan(draft, CHECK.id, (&place, Some(Until::Refused)), (change, Some(back)));
    }
}
