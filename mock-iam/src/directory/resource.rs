//! Resources that the directory knows besides users: what policies may ask about them without believing the caller.
//!
//! Must not know Cedar or AuthZEN.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ChangeError, Directory};

/// What names a resource: its type and its identifier within the type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    /// Entity type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Identifier within the type.
    pub id: String,
}

/// A resource as the directory knows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// Attributes, as policies see them.
    #[serde(default)]
    pub attributes: BTreeMap<String, Value>,
    /// What it belongs to, e.g. a folder.
    #[serde(default)]
    pub parents: Vec<Name>,
}

impl Directory {
    /// The same directory with resources, at the same version: the seed of resources.
    #[must_use]
    pub fn with_resources(mut self, resources: impl IntoIterator<Item = (Name, Resource)>) -> Self {
        self.resources = resources.into_iter().map(|(name, resource)| (name, Arc::new(resource))).collect();
        self
    }

    /// The resource of this type and identifier.
    #[must_use]
    pub fn resource(&self, kind: &str, id: &str) -> Option<&Resource> {
        if self.resources.is_empty() {
            return None;
        }
        let name = Name { kind: kind.to_owned(), id: id.to_owned() };
        self.resources.get(&name).map(Arc::as_ref)
    }

    /// All resources, by type and identifier.
    pub fn resources(&self) -> impl Iterator<Item = (&Name, &Resource)> {
        self.resources.iter().map(|(name, resource)| (name, resource.as_ref()))
    }

    /// Adds or replaces a resource; a replacement by the same leaves no trace.
    pub fn put_resource(&mut self, name: Name, resource: Resource) {
        if self.resources.get(&name).is_none_or(|known| **known != resource) {
            self.version += 1;
            self.resources.insert(name, Arc::new(resource));
        }
    }

    /// Removes a resource.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`].
    pub fn delete_resource(&mut self, name: &Name) -> Result<(), ChangeError> {
        self.resources.remove(name).ok_or(ChangeError::NotFound)?;
        self.version += 1;
        Ok(())
    }
}
