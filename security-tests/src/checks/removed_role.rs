//! Is the next request denied after the role was removed, with the same token? Only where the role decides: allowed
//! with it, denied without.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, session_case};
use crate::access::{Grant, Rule};
use crate::api::Operation;
use crate::oracle::{Decision, Relation, by_rule};
use crate::plan::{Action, Draft, Phase, Role, World};
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
    work: Work::Online(plan, session_case::judge),
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
    session_case::plan(draft, CHECK.id, (&place, None), (change.clone(), Some(restore.clone())));
    refreshed(draft, &place, (change, restore));
}

/// The same with a token that was refreshed after the change (RFC 6749 §6): it must not bring the role back.
fn refreshed(draft: &mut Draft<'_>, place: &session_case::Place<'_>, (change, restore): (Action, Action)) {
    if draft.target.controls.refresh_client.is_none() || place.owner.is_some() {
        return;
    }
    let refresh = || Action::World(World::Refresh(place.persona.to_owned()));
    let group = draft.group(Phase::Session);
    let begin = [Action::World(World::RefreshToken(place.persona.to_owned())), refresh()];
    let begun = begin.map(|action| draft.step(group, Role::Setup, action));
    let mut session = session_case::Session::opened(draft, group, (place, place.persona, None));
    session.needs.extend(begun);
    session.change(draft, change);
    let again = draft.step(group, Role::Setup, refresh());
    session.needs.push(again);
    let attack = session.ask(draft, Role::Attack, None);
    session.restore(draft, restore);
    let case = session.case(CHECK.id, "refreshed", attack);
    draft.case(case);
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
