//! Groups: one for each role. Who is in a group is kept with the users and nowhere else: one truth.
//!
//! Must not know SCIM's JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::{ChangeError, Directory};

/// A group; the name is the role, the SCIM `id` and the Cedar entity id as well.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Unique name; never changes.
    pub name: String,
    /// What a directory keeps of a group besides, such as the name that a client has for it.
    pub details: BTreeMap<String, Value>,
    /// Directory version at the last change of this group or of who is in it.
    pub version: u64,
    /// When the group was made.
    pub created: Timestamp,
    /// When the group, or who is in it, was last changed.
    pub last_modified: Timestamp,
}

/// The part of a group that changes can set.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupProfile {
    /// Unique name; never changes.
    pub name: String,
    /// Names of the users in it.
    pub members: BTreeSet<String>,
    /// As in [`Group`].
    pub details: BTreeMap<String, Value>,
}

impl Directory {
    /// The group of this name, with or without members.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(name).map(Arc::as_ref)
    }

    /// All groups, by name.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values().map(Arc::as_ref)
    }

    /// Names of the users in a group, sorted.
    pub fn members<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a str> {
        let members = self.users().filter(move |user| user.profile.roles.contains(group));
        members.map(|user| user.profile.name.as_str())
    }

    /// Adds a group: its members get the role.
    ///
    /// # Errors
    /// [`ChangeError::Exists`], [`ChangeError::NoSuchMember`].
    pub fn create_group(&mut self, group: GroupProfile, now: Timestamp) -> Result<&Group, ChangeError> {
        if self.groups.keys().any(|name| name.to_lowercase() == group.name.to_lowercase()) {
            return Err(ChangeError::Exists);
        }
        self.check_members(&group.members)?;
        self.version += 1;
        let made = Group {
            name: group.name.clone(),
            details: group.details,
            version: self.version,
            created: now,
            last_modified: now,
        };
        self.groups.insert(group.name.clone(), Arc::new(made));
        self.set_members(&group.name, &group.members, now);
        self.group(&group.name).ok_or(ChangeError::NotFound)
    }

    /// Replaces what changes can set; a replacement by the same leaves no trace.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], [`ChangeError::NoSuchMember`].
    pub fn replace_group(&mut self, group: GroupProfile, now: Timestamp) -> Result<&Group, ChangeError> {
        let before = self.groups.get(&group.name).ok_or(ChangeError::NotFound)?;
        self.check_members(&group.members)?;
        let members: BTreeSet<String> = self.members(&group.name).map(str::to_owned).collect();
        if before.details != group.details || members != group.members {
            self.version += 1;
            self.set_members(&group.name, &group.members, now);
            self.touch_group(&group.name, now);
            if let Some(kept) = self.groups.get_mut(&group.name) {
                Arc::make_mut(kept).details = group.details;
            }
        }
        self.group(&group.name).ok_or(ChangeError::NotFound)
    }

    /// Removes a group: nobody has the role any more.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`].
    pub fn delete_group(&mut self, name: &str, now: Timestamp) -> Result<(), ChangeError> {
        self.groups.remove(name).ok_or(ChangeError::NotFound)?;
        self.version += 1;
        self.set_members(name, &BTreeSet::new(), now);
        Ok(())
    }

    /// Notes that a group, or who is in it, changed with this version of the directory; makes it when it is new.
    pub(super) fn touch_group(&mut self, name: &str, now: Timestamp) {
        let version = self.version;
        let group = self.groups.entry(name.to_owned()).or_insert_with(|| {
            let details = BTreeMap::new();
            Arc::new(Group { name: name.to_owned(), details, version, created: now, last_modified: now })
        });
        if group.version != version {
            let group = Arc::make_mut(group);
            (group.version, group.last_modified) = (version, now);
        }
    }

    fn check_members(&self, members: &BTreeSet<String>) -> Result<(), ChangeError> {
        match members.iter().find(|name| !self.users.contains_key(*name)) {
            Some(stranger) => Err(ChangeError::NoSuchMember(stranger.clone())),
            None => Ok(()),
        }
    }

    fn set_members(&mut self, group: &str, members: &BTreeSet<String>, now: Timestamp) {
        let version = self.version;
        for (name, user) in &mut self.users {
            let (is, shall) = (user.profile.roles.contains(group), members.contains(name));
            if is == shall {
                continue;
            }
            let user = Arc::make_mut(user);
            match shall {
                true => user.profile.roles.insert(group.to_owned()),
                false => user.profile.roles.remove(group),
            };
            (user.version, user.last_modified) = (version, now);
        }
    }
}
