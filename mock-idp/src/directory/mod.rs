//! Who the people are, right now. Must not know tokens or HTTP of this provider.

mod fixed;
mod guests;
mod scim;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;

use crate::config::Config;
use crate::error::Error;

pub(crate) use fixed::FixedDirectory;
pub(crate) use guests::{Guest, People, TooMany};

/// A person as the directory knows them at this moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct User {
    /// User name, the `sub` of tokens.
    pub id: String,
    /// Whether the person may log in and hold live tokens (RFC 7643 §4.1.1).
    pub active: bool,
    /// A name for people to read.
    pub name: Option<String>,
    /// The tenant the person belongs to.
    pub tenant: Option<String>,
    /// Role names.
    pub roles: Vec<String>,
    /// Free attributes.
    pub attributes: BTreeMap<String, Value>,
}

/// The directory gave no answer that can be used. Nobody logs in and no token is alive then: fail closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// No connection, or no answer in time.
    #[error("the directory does not answer: {0}")]
    Unreachable(String),
    /// An answer with a status that means neither "here" nor "gone".
    #[error("the directory answered with status {0}")]
    Status(u16),
    /// An answer that is no SCIM user.
    #[error("the directory's answer is not a SCIM resource: {0}")]
    Malformed(String),
}

/// An answer of the directory to come.
pub type Lookup<'a, T> = Pin<Box<dyn Future<Output = Result<T, DirectoryError>> + Send + 'a>>;

/// Where people are looked up, on each login, refresh and introspection; nothing is cached.
pub trait Directory: Send + Sync {
    /// The person of this user name, or `None` when there is none.
    fn find<'a>(&'a self, id: &'a str) -> Lookup<'a, Option<User>>;

    /// Everybody, for the login page, in order of user name.
    fn list(&self) -> Lookup<'_, Vec<User>>;
}

/// The directory that the configuration names: a SCIM service, or the personas themselves.
pub(crate) fn from_config(config: &Config) -> Result<Arc<dyn Directory>, Error> {
    match &config.directory {
        Some(directory) => Ok(Arc::new(scim::ScimDirectory::new(directory)?)),
        None => Ok(Arc::new(FixedDirectory::new(&config.personas))),
    }
}
