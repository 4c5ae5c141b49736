//! Who exists: users with their tenant, roles and attributes, groups, and resources, in a snapshot with a version.
//!
//! Pure: must not know SCIM's JSON, Cedar, HTTP, or the clock.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod group;
mod resource;
mod user;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::config::Persona;

pub use group::{Group, GroupProfile};
pub use resource::{Name, Resource};
pub use user::{Profile, User};

/// A snapshot of everybody and everything. Cheap to clone: what is in it is shared between snapshots.
#[derive(Clone, Debug)]
pub struct Directory {
    version: u64,
    users: BTreeMap<String, Arc<User>>,
    /// One for each role that anybody had since the seed, or that was made; members are in `users`.
    groups: BTreeMap<String, Arc<Group>>,
    resources: BTreeMap<Name, Arc<Resource>>,
}

/// Why a change was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// What was to be changed is not there.
    #[error("there is no such thing in the directory")]
    NotFound,
    /// What was to be made is there already, perhaps in another letter case.
    #[error("one of that name exists")]
    Exists,
    /// A group can have users of the directory as members only.
    #[error("member `{0}` is not in the directory")]
    NoSuchMember(String),
}

impl Directory {
    /// The directory that a configuration seeds, at version 1.
    #[must_use]
    pub fn seed(personas: &BTreeMap<String, Persona>, now: Timestamp) -> Self {
        let users = personas.iter().map(|(name, persona)| (name.clone(), User::seed(name, persona, now)));
        let mut directory =
            Self { version: 1, users: users.collect(), groups: BTreeMap::new(), resources: BTreeMap::new() };
        let roles: Vec<String> = personas.values().flat_map(|persona| persona.roles.iter().cloned()).collect();
        roles.iter().for_each(|role| directory.touch_group(role, now));
        directory
    }

    /// Grows by one with each change.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Back to a seed; the version goes on growing, so that nobody takes the seed for an older snapshot.
    pub fn reset(&mut self, seed: &Self) {
        let version = self.version + 1;
        *self = Self { version, ..seed.clone() };
    }
}
