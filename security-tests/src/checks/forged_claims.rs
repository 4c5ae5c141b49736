//! Does a valid token with roles or tenant raised give anything that the directory does not give? The directory is
//! the authority; a claim is what it said some time ago.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use serde_json::{Map, json};

use super::{Check, Work, forged_token, reach};
use crate::oracle::{Decision, Relation, is_for_anyone};
use crate::plan::{Attempt, Credential, Detail, Draft};
use crate::tokens::Mint;
use crate::verdict::{Layer, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "forged-claims",
    title: "believes roles or tenant of a token over the directory",
    layer: Layer::Token,
    tier: Tier::Exploit,
    owasp: "API5:2023",
    cwe: "CWE-863",
    severity: Severity::High,
    work: Work::Online(plan, reach::raised),
};

fn plan(draft: &mut Draft<'_>) {
    // Without a directory, what the provider signed is what holds.
    if draft.target.directory.is_none() {
        return;
    }
    for operation in draft.operations() {
        let on_object = draft.resource_of(&operation.id).is_some();
        // Functions for roles, and reading objects: enough to see whom the API believes.
        if is_for_anyone(draft.target, &operation.id) || (on_object && !operation.is_safe()) {
            continue;
        }
        if on_object {
            raise_tenant(draft, &operation.id);
        } else if let Some(persona) =
            draft.personas().into_iter().find(|name| !draft.may(&operation.id, Some(name), None))
        {
            let roles = Mint { name: "raised-roles", claims: claims(draft, None), ..Mint::default() };
            attempt(draft, &operation.id, None, (&persona, roles));
            attempt(draft, &operation.id, None, (&persona, raised_scope(draft, &operation.id)));
        }
    }
}

/// Somebody of another tenant claims to be of the owner's, with every role.
fn raise_tenant(draft: &mut Draft<'_>, operation: &str) {
    let Some((resource, _)) = draft.resource_of(operation) else { return };
    let Some(owner) = draft.owners(resource).first().cloned() else { return };
    let stranger = |name: &String| {
        Relation::between(draft.target, name, &owner) == Relation::OtherTenant
            && !draft.may(operation, Some(name), Some(&owner))
    };
    let Some(persona) = draft.personas().into_iter().find(stranger) else { return };
    let tenant = draft.target.personas.get(&owner).and_then(|persona| persona.tenant.clone());
    let mint = Mint { name: "raised-tenant", claims: claims(draft, tenant.as_deref()), ..Mint::default() };
    attempt(draft, operation, Some(&owner), (&persona, mint));
}

fn attempt(draft: &mut Draft<'_>, operation: &str, owner: Option<&str>, (persona, mint): (&str, Mint)) {
    let name = mint.name;
    let Some(plain) = draft.attempt(operation, owner, Attempt::by(Some(persona), Decision::Deny)) else { return };
    let attempt = Attempt::refused(Credential::Minted(persona.to_owned(), mint));
    let Some(trial) = draft.attempt(operation, owner, attempt) else { return };
    let mut case = forged_token::impersonation(CHECK.id, operation, persona, name, trial);
    case.detail = Detail::Raised(plain);
    draft.case(case);
}

/// Every scope that an operation may be guarded by: its own name, its method, the roles, and everything.
fn raised_scope(draft: &Draft<'_>, operation: &str) -> Mint {
    let roles: BTreeSet<&String> = draft.target.personas.values().flat_map(|persona| &persona.roles).collect();
    let words = ["admin", "read", "write", "read:all", "write:all", "openid", "*"];
    let scopes: Vec<&str> = words.into_iter().chain([operation]).chain(roles.into_iter().map(String::as_str)).collect();
    let permissions = json!(scopes);
    let mint =
        Mint::claim("scope", json!(scopes.join(" "))).and("scp", permissions.clone()).and("permissions", permissions);
    Mint { name: "raised-scope", ..mint }
}

/// Every role that anybody has, under the names that APIs read.
fn claims(draft: &Draft<'_>, tenant: Option<&str>) -> Map<String, serde_json::Value> {
    let roles: BTreeSet<&String> = draft.target.personas.values().flat_map(|persona| &persona.roles).collect();
    let mut claims = Map::from_iter([("roles".to_owned(), json!(roles)), ("groups".to_owned(), json!(roles))]);
    claims.extend(tenant.map(|tenant| ("tenant".to_owned(), json!(tenant))));
    claims
}
