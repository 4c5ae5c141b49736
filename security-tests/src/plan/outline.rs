//! What all parts of a plan share: names are checked, operations and owners looked up once. Must not know checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::access::Resource;
use crate::api::Operations;
use crate::oracle::{Asked, Decision, expected};
use crate::target::Target;

/// What all parts of a plan share.
#[derive(Debug)]
pub(super) struct Outline {
    /// What the API offers, documented or not.
    pub(super) operations: Operations,
    /// Who can make objects of a kind.
    pub(super) owners: BTreeMap<String, Arc<[String]>>,
    /// The operation that gets the full set of forged tokens, once somebody asked.
    pub(super) representative: OnceLock<Option<String>>,
}

impl Outline {
    /// Looks up owners; `build` checked that all names are known.
    pub(super) fn new(target: &Target, operations: Operations) -> Self {
        let resources = target.access.resources.iter();
        let owners = resources.map(|(name, resource)| (name.clone(), owners(target, resource).into())).collect();
        Self { operations, owners, representative: OnceLock::new() }
    }
}

fn owners(target: &Target, resource: &Resource) -> Vec<String> {
    let Some(create) = &resource.create else { return account_owners(target) };
    let may = |persona: &&String| {
        let asked = Asked { operation: &create.operation, persona: Some(persona), owner: None };
        expected(target, asked) == Ok(Decision::Allow)
    };
    target.actors().filter(may).cloned().collect()
}

/// Everybody has an account: first those who can be given another one, then the others, at last mere victims.
fn account_owners(target: &Target) -> Vec<String> {
    let mut owners: Vec<&String> = target.personas.keys().collect();
    owners
        .sort_by_key(|name| target.personas.get(*name).map(|persona| (persona.account.is_some(), !persona.can_act())));
    owners.into_iter().cloned().collect()
}
