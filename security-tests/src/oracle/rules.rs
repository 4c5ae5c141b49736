//! The answer of one rule. Must not know policies.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Decision, Relation};
use crate::access::{Grant, Rule};
use crate::target::{Persona, Target};

/// Whether one of the rule's grants holds; nothing granted is denied.
#[must_use]
pub fn by_rule(rule: &Rule, persona: Option<&Persona>, relation: Relation) -> Decision {
    if rule.allow.iter().any(|grant| holds(grant, persona, relation)) { Decision::Allow } else { Decision::Deny }
}

/// Whether an operation is open to everybody, token or not.
#[must_use]
pub fn is_for_anyone(target: &Target, operation: &str) -> bool {
    target.access.rules.get(operation).is_some_and(|rule| rule.allow.contains(&Grant::Anyone))
}

fn holds(grant: &Grant, persona: Option<&Persona>, relation: Relation) -> bool {
    let Some(persona) = persona else { return *grant == Grant::Anyone };
    match grant {
        Grant::Anyone | Grant::Authenticated => true,
        Grant::Owner => relation == Relation::Own,
        Grant::Others => relation != Relation::Own,
        Grant::Tenant => matches!(relation, Relation::Own | Relation::SameTenant),
        Grant::Role(role) => persona.roles.contains(role),
        Grant::RoleOfTenant(role) => persona.roles.contains(role) && relation != Relation::OtherTenant,
    }
}
