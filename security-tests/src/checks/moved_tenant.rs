//! Is somebody who moved to another tenant refused what only their old tenant may see, with the same token?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::session_case::{self, Place, judge};
use super::{Check, Work};
use crate::api::Operation;
use crate::oracle::{Decision, Relation, by_rule};
use crate::plan::{Action, Draft, World};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "moved-tenant",
    title: "still shows a tenant to who moved to another one",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API1:2023",
    cwe: "CWE-613",
    severity: Severity::High,
    work: Work::Online(plan, judge),
};

fn plan(draft: &mut Draft<'_>) {
    if draft.target.directory.is_none() {
        return;
    }
    let Some((operation, owner, persona)) = decisive(draft) else { return };
    let home = draft.target.personas.get(&persona).and_then(|persona| persona.tenant.clone());
    let elsewhere = draft.target.personas.values().map(|persona| &persona.tenant).find(|tenant| **tenant != home);
    let Some(Some(elsewhere)) = elsewhere.cloned() else { return };
    let go = |tenant: Option<String>| Action::World(World::Move { persona: persona.clone(), tenant });
    let place = Place { operation: &operation, owner: Some(&owner), persona: &persona };
    session_case::plan(draft, CHECK.id, (&place, None), (go(Some(elsewhere)), Some(go(home))));
}

/// A read of somebody's object, and a neighbour for whom only the tenant decides.
fn decisive(draft: &Draft<'_>) -> Option<(Operation, String, String)> {
    let reads = draft.operations_of_run().filter(|operation| operation.is_safe() && draft.is_asked_for(&operation.id));
    reads.into_iter().find_map(|operation| {
        let (resource, _) = draft.resource_of(&operation.id)?;
        let rule = draft.rule(&operation.id)?;
        let decides = |name: &String, owner: &String| {
            let persona = draft.target.personas.get(name);
            Relation::between(draft.target, name, owner) == Relation::SameTenant
                && draft.may(&operation.id, Some(name), Some(owner))
                && by_rule(rule, persona, Relation::OtherTenant) == Decision::Deny
        };
        let owners = draft.owners(resource);
        draft.personas().into_iter().find_map(|name| {
            let owner = owners.iter().find(|owner| decides(&name, owner))?;
            Some((operation.clone(), owner.clone(), name))
        })
    })
}
