//! What the checks of forged tokens have in common: the full set on one operation, canaries on every other. Must not
//! know single forgeries.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::access::Grant;
use crate::api::Operation;
use crate::oracle::{Decision, Relation, is_for_anyone};
use crate::plan::{Attempt, Case, Credential, Detail, Draft, Trial};
use crate::tokens::{Forgery, catalogue};
use crate::verdict::Tier;

/// Plans the forgeries of one check.
pub(crate) fn plan(draft: &mut Draft<'_>, check: &'static str) {
    let full = representative(draft);
    let loud = |forgery: &&Forgery| !forgery.quiet || draft.options.tier == Tier::Hardening;
    let forgeries: Vec<&Forgery> = catalogue().filter(|forgery| forgery.check == check).filter(loud).collect();
    for operation in draft.operations() {
        if is_for_anyone(draft.target, &operation.id) {
            continue;
        }
        let is_full = full.as_ref() == Some(&operation.id);
        let owner = victim(draft, &operation);
        let Some(persona) = draft.somebody_allowed(&operation.id, owner.as_deref()) else { continue };
        for forgery in forgeries.iter().filter(|forgery| is_full || forgery.canary) {
            let attempt = Attempt::refused(Credential::Forged(persona.clone(), forgery.name));
            let Some(trial) = draft.attempt(&operation.id, owner.as_deref(), attempt) else { continue };
            draft.case(impersonation(check, &operation.id, &persona, forgery.name, trial));
        }
    }
}

/// A case in which somebody pretends to be a persona.
pub(crate) fn impersonation(check: &'static str, operation: &str, persona: &str, how: &str, trial: Trial) -> Case {
    Case {
        id: format!("{check}:{operation}:{persona}:{how}"),
        check,
        operation: operation.to_owned(),
        persona: Some(persona.to_owned()),
        relation: Relation::None,
        expected: Decision::Deny,
        trial,
        detail: Detail::Impersonation,
    }
}

/// The operation that gets the full set, where it is planned.
pub(crate) fn representative(draft: &Draft<'_>) -> Option<String> {
    representative_of_run(draft).filter(|id| draft.is_asked_for(id))
}

/// The operation that gets the full set.
fn representative_of_run(draft: &Draft<'_>) -> Option<String> {
    draft.representative(choose).map(str::to_owned)
}

/// The same, or one like it that was not asked for: it only shows whether somebody is signed in.
pub(crate) fn witness(draft: &Draft<'_>) -> Option<String> {
    let any = || draft.plan.operations.iter().find(|operation| fits(draft, operation));
    representative_of_run(draft).or_else(|| any().map(|operation| operation.id.clone()))
}

/// The first `GET` without path parameters that every persona may call and that needs no role. A list whose content
/// depends on roles comes second.
fn choose(draft: &Draft<'_>) -> Option<String> {
    // What a login says about itself tells most about whose token it is.
    let me = draft.login().and_then(|login| login.me.clone());
    if let Some(me) = me.filter(|me| draft.operations_of_run().any(|operation| operation.id == *me)) {
        return Some(me);
    }
    let scoped = |operation: &&Operation| draft.rule(&operation.id).is_some_and(|rule| rule.only.is_some());
    let fits = |operation: &&Operation| fits(draft, operation);
    let plain = draft.operations_of_run().filter(|operation| !scoped(operation)).find(fits);
    plain.or_else(|| draft.operations_of_run().find(fits)).map(|operation| operation.id.clone())
}

/// Whether every persona may call an operation, without a role and without an object.
fn fits(draft: &Draft<'_>, operation: &Operation) -> bool {
    let no_role = draft
        .rule(&operation.id)
        .is_some_and(|rule| rule.allow.contains(&Grant::Authenticated) && !rule.allow.contains(&Grant::Anyone));
    let all_may = || draft.target.personas.keys().all(|persona| draft.may(&operation.id, Some(persona), None));
    operation.method == "GET" && operation.path_parameters().is_empty() && no_role && all_may()
}

/// Whose object a forged token is tried on.
fn victim(draft: &Draft<'_>, operation: &Operation) -> Option<String> {
    let (resource, _) = draft.resource_of(&operation.id)?;
    draft.owners(resource).first().cloned()
}
