//! Does an account that raised itself reach functions of a higher role? The consequence of a mass assignment, proved
//! step by step: the accounts come from there.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, reach};
use crate::access::Grant;
use crate::oracle::{Decision, Relation};
use crate::plan::{Attempt, Case, Credential, Detail, Draft};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "privilege-escalation",
    title: "can be called by an account that raised itself",
    layer: Layer::Access,
    tier: Tier::Exploit,
    owasp: "API5:2023",
    cwe: "CWE-269",
    severity: Severity::High,
    work: Work::Online(|_| {}, reach::raised),
};

/// Tries an operation of a higher role as an account that tried to raise itself.
pub(super) fn attempt(draft: &mut Draft<'_>, persona: &str, (actor, how): (&str, &str)) -> Option<()> {
    let (operation, owner) = of_higher_role(draft, persona)?;
    let attempt = Attempt::refused(Credential::Persona(persona.to_owned()));
    let plain = draft.attempt(&operation, owner.as_deref(), attempt)?;
    let attempt = Attempt::refused(Credential::Persona(actor.to_owned()));
    // Only then the account is what it made of itself.
    let trial = draft.attempt_after_writes(&operation, owner.as_deref(), attempt)?;
    draft.case(Case {
        id: format!("{}:{operation}:{persona}:{how}", CHECK.id),
        check: CHECK.id,
        operation,
        persona: Some(persona.to_owned()),
        relation: owner.map_or(Relation::None, |_| Relation::SameTenant),
        expected: Decision::Deny,
        trial,
        detail: Detail::Raised(plain),
    });
    Some(())
}

/// An operation that a role allows to somebody and that this persona may not call; on objects of others.
fn of_higher_role(draft: &Draft<'_>, persona: &str) -> Option<(String, Option<String>)> {
    draft.operations_of_run().find_map(|operation| {
        let rule = draft.rule(&operation.id)?;
        let by_role = rule.allow.iter().any(|grant| matches!(grant, Grant::Role(_) | Grant::RoleOfTenant(_)));
        let owner = match draft.resource_of(&operation.id) {
            Some((resource, _)) => Some(draft.owners(resource).iter().find(|owner| *owner != persona)?.clone()),
            None => None,
        };
        let denied = !draft.may(&operation.id, Some(persona), owner.as_deref());
        let possible = draft.somebody_allowed(&operation.id, owner.as_deref()).is_some();
        (by_role && denied && possible).then(|| (operation.id.clone(), owner))
    })
}
