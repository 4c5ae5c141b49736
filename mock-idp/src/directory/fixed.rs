//! The personas of the configuration as a directory that never changes. Must not know the network.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::{Directory, Lookup, User};
use crate::config::Persona;

/// Everybody is active, always.
#[derive(Clone, Debug)]
pub(crate) struct FixedDirectory {
    users: BTreeMap<String, User>,
}

impl FixedDirectory {
    pub(crate) fn new(personas: &BTreeMap<String, Persona>) -> Self {
        let users = personas.iter().map(|(name, persona)| (name.clone(), user(name, persona))).collect();
        Self { users }
    }

    pub(crate) fn users(&self) -> Vec<User> {
        self.users.values().cloned().collect()
    }
}

impl Directory for FixedDirectory {
    fn find<'a>(&'a self, id: &'a str) -> Lookup<'a, Option<User>> {
        let found = self.users.get(id).cloned();
        Box::pin(async move { Ok(found) })
    }

    fn list(&self) -> Lookup<'_, Vec<User>> {
        Box::pin(async move { Ok(self.users()) })
    }
}

fn user(name: &str, persona: &Persona) -> User {
    User {
        id: name.to_owned(),
        active: true,
        name: None,
        tenant: persona.tenant.clone(),
        roles: persona.roles.clone(),
        attributes: persona.attributes.clone(),
    }
}
