//! Is the next request denied after the role was removed, with the same token? Only where the role decides: allowed
//! with it, denied without.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, reach, session_case};
use crate::access::{Grant, Rule};
use crate::api::Operation;
use crate::oracle::{Decision, Relation, by_rule};
use crate::plan::{Action, Draft};
use crate::scim::replace_roles;
use crate::target::Persona;
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "removed-role",
    title: "still allows what a removed role allowed",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API5:2023",
    cwe: "CWE-613",
    severity: Severity::High,
    work: Work::Online(plan, reach::judge),
};

fn plan(draft: &mut Draft<'_>) {
    if draft.target.directory.is_none() {
        return;
    }
    let Some((operation, owner, persona)) = decisive(draft) else { return };
    if !draft.is_asked_for(&operation.id) {
        return;
    }
    let Some(rule) = draft.rule(&operation.id) else { return };
    let Some(who) = draft.target.personas.get(&persona) else { return };
    let rest: Vec<String> = who.roles.iter().filter(|role| !grants(rule, role)).cloned().collect();
    let change = Action::PatchUser(persona.clone(), replace_roles(&rest));
    let restore = Action::PatchUser(persona.clone(), replace_roles(&who.roles));
    let place = session_case::Place { operation: &operation, owner: owner.as_deref(), persona: &persona };
    session_case::plan(draft, CHECK.id, &place, (change, Some(restore)));
}

/// An operation and somebody for whom a role decides; functions first, then reading others' objects.
fn decisive(draft: &Draft<'_>) -> Option<(Operation, Option<String>, String)> {
    let operations: Vec<Operation> =
        draft.operations_of_run().filter(|operation| operation.is_safe()).cloned().collect();
    let (objects, functions): (Vec<_>, Vec<_>) =
        operations.into_iter().partition(|operation| draft.resource_of(&operation.id).is_some());
    let by_function = functions.into_iter().find_map(|operation| {
        let persona = draft.personas().into_iter().find(|name| decides(draft, &operation, name, None))?;
        Some((operation, None, persona))
    });
    by_function.or_else(|| {
        objects.into_iter().find_map(|operation| {
            let (resource, _) = draft.resource_of(&operation.id)?;
            let owners = draft.owners(resource);
            draft.personas().into_iter().find_map(|name| {
                let of_tenant = |owner: &&String| {
                    Relation::between(draft.target, &name, owner) == Relation::SameTenant
                        && decides(draft, &operation, &name, Some(owner))
                };
                let owner = owners.iter().find(of_tenant)?.clone();
                Some((operation.clone(), Some(owner), name))
            })
        })
    })
}

fn decides(draft: &Draft<'_>, operation: &Operation, name: &str, owner: Option<&str>) -> bool {
    let (Some(rule), Some(who)) = (draft.rule(&operation.id), draft.target.personas.get(name)) else { return false };
    let relation = owner.map_or(Relation::None, |owner| Relation::between(draft.target, name, owner));
    let without = Persona { roles: Vec::new(), ..who.clone() };
    draft.may(&operation.id, Some(name), owner)
        && by_rule(rule, Some(&without), relation) == Decision::Deny
        && who.roles.iter().any(|role| grants(rule, role))
}

fn grants(rule: &Rule, role: &str) -> bool {
    rule.allow.iter().any(|grant| matches!(grant, Grant::Role(name) | Grant::RoleOfTenant(name) if name == role))
}
