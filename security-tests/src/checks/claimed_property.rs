//! Does what a caller says of themselves in headers, against the directory, give anything? And the IAM, asked with such a
//! property, decides as the directory says and logs the contradiction.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use serde_json::{Map, json};

use super::{Check, Work, forged_token, reach};
use crate::oracle::{Decision, is_for_anyone};
use crate::plan::{Action, Attempt, Credential, Detail, Draft, Role, World};
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "claimed-property",
    title: "believes what callers say of themselves over the directory",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API5:2023",
    cwe: "CWE-807",
    severity: Severity::High,
    work: Work::Online(plan, reach::raised),
};

/// Headers in which gateways tell APIs the roles of a caller.
const HEADERS: [&str; 5] = ["X-User-Roles", "X-Roles", "X-Role", "X-User-Role", "X-Groups"];

fn plan(draft: &mut Draft<'_>) {
    if draft.target.directory.is_none() {
        return;
    }
    for operation in draft.operations() {
        let on_object = draft.resource_of(&operation.id).is_some();
        if on_object || !operation.is_safe() || is_for_anyone(draft.target, &operation.id) {
            continue;
        }
        let refused = draft.personas().into_iter().find(|name| !draft.may(&operation.id, Some(name), None));
        if let Some(persona) = refused {
            attempt(draft, &operation.id, &persona);
        }
    }
}

fn attempt(draft: &mut Draft<'_>, operation: &str, persona: &str) -> Option<()> {
    let mine = draft.target.personas.get(persona).map(|persona| persona.roles.clone()).unwrap_or_default();
    let roles: BTreeSet<String> = draft
        .target
        .personas
        .values()
        .flat_map(|persona| persona.roles.clone())
        .filter(|role| !mine.contains(role))
        .collect();
    let list: Vec<&str> = roles.iter().map(String::as_str).collect();
    let plain = draft.attempt(operation, None, Attempt::by(Some(persona), Decision::Deny))?;
    let headers = HEADERS.map(|name| (name.to_owned(), list.join(","))).to_vec();
    let credential = Credential::Persona(persona.to_owned());
    let mut trial = draft.attempt(operation, None, Attempt { credential, headers, expected: Decision::Deny })?;
    let knows = draft.target.decider.as_ref().is_some_and(|decider| decider.knows(operation));
    if draft.target.controls.iam.is_some() && knows {
        let group = draft.site(operation, None)?.group;
        let claims = Map::from_iter([("roles".to_owned(), json!(roles))]);
        let (persona, operation) = (persona.to_owned(), operation.to_owned());
        let ask = Action::World(World::Contradict { persona, operation, claims });
        trial.needs.push(draft.step(group, Role::Setup, ask));
    }
    let mut case = forged_token::impersonation(CHECK.id, operation, persona, "headers", trial);
    case.detail = Detail::Raised(plain);
    draft.case(case);
    Some(())
}
