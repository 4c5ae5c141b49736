//! What the checks of sessions have in common: a fresh token that works, a change, the same token again, and the
//! change taken back. Must not know single changes.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use super::forged_token;
use crate::api::Operation;
use crate::oracle::{Decision, Relation};
use crate::plan::{Action, Case, Control, Credential, Detail, Draft, Phase, Role, Trial};

/// Where a change must be noticed.
pub(crate) struct Place<'a> {
    /// The operation.
    pub(crate) operation: &'a Operation,
    /// Whose object.
    pub(crate) owner: Option<&'a str>,
    /// Whose token.
    pub(crate) persona: &'a str,
}

/// Plans a change for one persona of each set of roles, on the operation that needs none.
pub(crate) fn for_representatives(
    draft: &mut Draft<'_>,
    check: &'static str,
    change: impl Fn(&str) -> (Action, Option<Action>),
) {
    let Some(operation) = forged_token::representative(draft).and_then(|id| draft.plan.operation(&id).cloned()) else {
        return;
    };
    let mut seen = BTreeSet::new();
    for persona in draft.personas() {
        let roles = draft.target.personas.get(&persona).map(|persona| persona.roles.clone());
        if seen.insert(roles) {
            let place = Place { operation: &operation, owner: None, persona: &persona };
            plan(draft, check, &place, change(&persona));
        }
    }
}

/// Plans a change and, when there is one, its way back.
pub(crate) fn plan(
    draft: &mut Draft<'_>,
    check: &'static str,
    place: &Place<'_>,
    (change, restore): (Action, Option<Action>),
) {
    let persona = place.persona.to_owned();
    let resource = draft.resource_of(&place.operation.id).map(|(name, _)| name.to_owned());
    let object = resource.zip(place.owner).and_then(|(resource, owner)| draft.shared_object(&resource, owner));
    let group = draft.group(Phase::Session);
    draft.step(group, Role::Setup, Action::FreshToken(persona.clone()));
    let request = draft.request(place.operation, object, Credential::Fresh(persona.clone()));
    let control = draft.step(group, Role::Control, Action::Request(Box::new(request.clone())));
    let changed = draft.step(group, Role::Change, change);
    let attack = draft.step(group, Role::Attack, Action::Request(Box::new(request)));
    let mut needs = vec![changed];
    needs.extend(restore.map(|restore| draft.step(group, Role::Restore, restore)));
    let control = Control { step: control, persona: persona.clone(), ..Control::default() };
    draft.case(Case {
        id: format!("{check}:{}:{persona}", place.operation.id),
        check,
        operation: place.operation.id.clone(),
        persona: Some(persona),
        relation: Relation::None,
        expected: Decision::Deny,
        trial: Trial { attack, control: Some(control), needs, ..Trial::default() },
        detail: Detail::Impersonation,
    });
}
