//! Is another version of an operation as protected as the one of the document? Nobody watches what nobody described.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Work, reach, versions};
use crate::oracle::{Decision, Relation, is_for_anyone};
use crate::plan::{Action, Case, Credential, Detail, Draft, Role, Trial};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "old-version",
    title: "is an undocumented version that answers without a token",
    layer: Layer::Access,
    tier: Tier::Exploit,
    owasp: "API9:2023",
    cwe: "CWE-1059",
    severity: Severity::High,
    work: Work::Online(plan, reach::judge),
};

fn plan(draft: &mut Draft<'_>) {
    let versioned = |path: &str| {
        let is_version = |part: &str| part.strip_prefix('v').is_some_and(|number| number.parse::<u32>().is_ok());
        path.split('/').any(is_version)
    };
    for operation in draft.operations() {
        if !operation.is_safe() || !versioned(&operation.path) || is_for_anyone(draft.target, &operation.id) {
            continue;
        }
        let owner = draft.resource_of(&operation.id).map(|(name, _)| name.to_owned());
        let owner = owner.and_then(|resource| draft.owners(&resource).first().cloned());
        let Some(site) = draft.site(&operation.id, owner.as_deref()) else { continue };
        let Some(control) = site.control.clone() else { continue };
        for guess in versions::of(&draft.plan, &operation) {
            let request = draft.request(&guess, site.object(), Credential::Anonymous);
            let attack = draft.step(site.group, Role::Attack, Action::Request(Box::new(request)));
            draft.case(Case {
                id: format!("{}:{}:anonymous", CHECK.id, guess.id),
                check: CHECK.id,
                operation: guess.id.clone(),
                persona: None,
                relation: Relation::None,
                expected: Decision::Deny,
                trial: Trial { attack, control: Some(control.clone()), ..Trial::default() },
                detail: Detail::None,
            });
            draft.plan.guessed.push(guess);
        }
    }
}
