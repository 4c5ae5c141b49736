//! Who exists: users with their tenant, roles and attributes, in a snapshot with a version.
//!
//! Pure: must not know SCIM's JSON, Cedar, HTTP, or the clock.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::config::Persona;

/// A snapshot of everybody. Cheap to clone: users are shared between snapshots.
#[derive(Clone, Debug)]
pub struct Directory {
    version: u64,
    users: BTreeMap<String, Arc<User>>,
}

/// Somebody in the directory; the name is the SCIM `id`, the token's `sub` and the Cedar entity id as well.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// What changes can set.
    pub profile: Profile,
    /// Directory version at the last change of this user.
    pub version: u64,
    /// When the user was made.
    pub created: Timestamp,
    /// When the user was last changed.
    pub last_modified: Timestamp,
}

/// The part of a user that changes can set.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Unique name; never changes.
    pub name: String,
    /// Name for people.
    pub display_name: Option<String>,
    /// Whether the user may do anything at all.
    pub active: bool,
    /// The tenant that the user belongs to.
    pub tenant: Option<String>,
    /// Names of roles.
    pub roles: BTreeSet<String>,
    /// Further attributes.
    pub attributes: BTreeMap<String, Value>,
}

/// Why a change was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The user to change is not there.
    #[error("no such user")]
    NotFound,
    /// The user to create is there already, perhaps in another letter case.
    #[error("a user of that name exists")]
    Exists,
}

impl Directory {
    /// The directory that a configuration seeds, at version 1.
    #[must_use]
    pub fn seed(personas: &BTreeMap<String, Persona>, now: Timestamp) -> Self {
        let users = personas.iter().map(|(name, persona)| (name.clone(), User::seed(name, persona, now)));
        Self { version: 1, users: users.collect() }
    }

    /// The user of this name, active or not.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.get(name).map(Arc::as_ref)
    }

    /// Everybody, by name.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values().map(Arc::as_ref)
    }

    /// Grows by one with each change.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Adds a user.
    ///
    /// # Errors
    /// [`ChangeError::Exists`]; names are compared without letter case (RFC 7643 §4.1.1).
    pub fn create(&mut self, profile: Profile, now: Timestamp) -> Result<&User, ChangeError> {
        if self.users.keys().any(|name| name.to_lowercase() == profile.name.to_lowercase()) {
            return Err(ChangeError::Exists);
        }
        self.version += 1;
        let user = User { profile, version: self.version, created: now, last_modified: now };
        Ok(self.users.entry(user.profile.name.clone()).or_insert_with(|| Arc::new(user)))
    }

    /// Replaces what changes can set; a replacement by the same leaves no trace.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`].
    pub fn replace(&mut self, profile: Profile, now: Timestamp) -> Result<&User, ChangeError> {
        let user = Arc::make_mut(self.users.get_mut(&profile.name).ok_or(ChangeError::NotFound)?);
        if user.profile != profile {
            self.version += 1;
            *user = User { profile, version: self.version, created: user.created, last_modified: now };
        }
        Ok(user)
    }

    /// Removes a user.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`].
    pub fn delete(&mut self, name: &str) -> Result<(), ChangeError> {
        self.users.remove(name).ok_or(ChangeError::NotFound)?;
        self.version += 1;
        Ok(())
    }

    /// Back to a seed; the version goes on growing, so that nobody takes the seed for an older snapshot.
    pub fn reset(&mut self, seed: &Self) {
        let version = self.version + 1;
        *self = Self { version, ..seed.clone() };
    }
}

impl User {
    fn seed(name: &str, persona: &Persona, now: Timestamp) -> Arc<Self> {
        let profile = Profile {
            tenant: persona.tenant.clone(),
            roles: persona.roles.iter().cloned().collect(),
            attributes: persona.attributes.clone(),
            ..Profile::new(name)
        };
        Arc::new(Self { profile, version: 1, created: now, last_modified: now })
    }
}

impl Profile {
    /// An active user without tenant, roles and attributes.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            display_name: None,
            active: true,
            tenant: None,
            roles: BTreeSet::new(),
            attributes: BTreeMap::new(),
        }
    }
}
