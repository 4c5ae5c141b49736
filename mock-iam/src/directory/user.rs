//! Users of the directory and changes to them. Must not know SCIM's JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::{ChangeError, Directory};
use crate::config::Persona;

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
    /// Further attributes, which policies see.
    pub attributes: BTreeMap<String, Value>,
    /// What a directory keeps of people besides, such as mail addresses, and no policy sees.
    pub details: BTreeMap<String, Value>,
}

impl Directory {
    /// The user of this name, active or not.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.get(name).map(Arc::as_ref)
    }

    /// Everybody, by name.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values().map(Arc::as_ref)
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
        profile.roles.iter().for_each(|role| self.touch_group(role, now));
        let user = User { profile, version: self.version, created: now, last_modified: now };
        Ok(self.users.entry(user.profile.name.clone()).or_insert_with(|| Arc::new(user)))
    }

    /// Replaces what changes can set; a replacement by the same leaves no trace.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`].
    pub fn replace(&mut self, profile: Profile, now: Timestamp) -> Result<&User, ChangeError> {
        let name = profile.name.clone();
        let before = self.users.get(&name).ok_or(ChangeError::NotFound)?;
        if before.profile != profile {
            self.version += 1;
            let moved: Vec<String> = before.profile.roles.symmetric_difference(&profile.roles).cloned().collect();
            let user = User { profile, version: self.version, created: before.created, last_modified: now };
            self.users.insert(name.clone(), Arc::new(user));
            moved.iter().for_each(|role| self.touch_group(role, now));
        }
        self.user(&name).ok_or(ChangeError::NotFound)
    }

    /// Removes a user, from its groups as well.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`].
    pub fn delete(&mut self, name: &str, now: Timestamp) -> Result<(), ChangeError> {
        let user = self.users.remove(name).ok_or(ChangeError::NotFound)?;
        self.version += 1;
        user.profile.roles.iter().for_each(|role| self.touch_group(role, now));
        Ok(())
    }
}

impl User {
    pub(super) fn seed(name: &str, persona: &Persona, now: Timestamp) -> Arc<Self> {
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
            details: BTreeMap::new(),
        }
    }
}
