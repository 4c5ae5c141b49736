//! The clients: configured ones for ever, registered ones for a time. Must not know how they are registered.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::expiring::Expiring;
use super::{Key, Kind};
use crate::config::Client;

/// Registered clients at a time; when so many are alive, nobody else gets one (none is thrown out for another).
const MAX_REGISTERED: usize = 2_000;
/// Documents at a time; one that is forgotten is fetched again.
const MAX_DOCUMENTS: usize = 200;
/// How the identifiers of registered clients begin. A token of such a client ends with the client (RFC 7592 §2.3).
pub(crate) const REGISTERED_PREFIX: &str = "dyn-";

/// A client with its identifier.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) id: Arc<str>,
    pub(crate) client: Arc<Client>,
}

/// A client that registered itself (RFC 7591).
#[derive(Clone, Debug)]
pub(crate) struct Registered {
    pub(crate) found: Found,
    /// Who may read and change it (RFC 7592 §1.2).
    pub(crate) access_token: Key,
    /// Whose initial access token it was.
    pub(crate) owner: Option<String>,
    pub(crate) issued_at: i64,
    pub(crate) expires: i64,
    /// The metadata as registered, without secrets.
    pub(crate) metadata: Value,
}

/// All clients.
pub(crate) struct Clients {
    configured: BTreeMap<Arc<str>, Arc<Client>>,
    registered: Mutex<Expiring<Key, Registered>>,
    documents: Mutex<Expiring<Key, Found>>,
}

impl Clients {
    pub(crate) fn new(configured: &BTreeMap<String, Client>) -> Self {
        let configured = configured.iter().map(|(id, client)| (Arc::from(id.as_str()), Arc::new(client.clone())));
        Self {
            configured: configured.collect(),
            registered: Mutex::new(Expiring::new(MAX_REGISTERED)),
            documents: Mutex::new(Expiring::new(MAX_DOCUMENTS)),
        }
    }

    /// The client of this identifier, if there is one now.
    pub(crate) fn find(&self, id: &str, now: i64) -> Option<Found> {
        if let Some((id, client)) = self.configured.get_key_value(id) {
            return Some(Found { id: Arc::clone(id), client: Arc::clone(client) });
        }
        let key = Key::of(Kind::Client, id);
        let registered = lock(&self.registered).get(&key, now).map(|registered| registered.found.clone());
        registered.or_else(|| lock(&self.documents).get(&key, now).cloned())
    }

    /// Whether tokens of this client count: they end with a client that registered itself.
    pub(crate) fn is_gone(&self, id: &str, now: i64) -> bool {
        id.starts_with(REGISTERED_PREFIX) && self.find(id, now).is_none()
    }

    /// Adds or replaces a registered client; `false` when there is no room.
    pub(crate) fn register(&self, client: Registered, now: i64) -> bool {
        let key = Key::of(Kind::Client, &client.found.id);
        let mut registered = lock(&self.registered);
        if registered.get(&key, now).is_none() && registered.is_full(now) {
            return false;
        }
        let deadline = client.expires;
        registered.insert(key, client, deadline, now);
        true
    }

    /// A registered client, for the holder of its access token.
    pub(crate) fn registered(&self, id: &str, now: i64) -> Option<Registered> {
        lock(&self.registered).get(&Key::of(Kind::Client, id), now).cloned()
    }

    /// Ends a registered client.
    pub(crate) fn unregister(&self, id: &str, now: i64) {
        lock(&self.registered).take(&Key::of(Kind::Client, id), now);
    }

    /// Every registered client, in order of its identifier.
    pub(crate) fn all_registered(&self, now: i64) -> Vec<Registered> {
        let mut all: Vec<Registered> = lock(&self.registered).live(now).map(|(_, _, client)| client.clone()).collect();
        all.sort_by(|left, right| left.found.id.cmp(&right.found.id));
        all
    }

    /// Ends the registered clients of an owner and says which they were.
    pub(crate) fn unregister_of(&self, owner: &str, now: i64) -> Vec<Arc<str>> {
        let is_of_owner = |client: &Registered| client.owner.as_deref() == Some(owner);
        let ended = self.all_registered(now).into_iter().filter(is_of_owner).map(|client| client.found.id).collect();
        lock(&self.registered).retain(|client| !is_of_owner(client));
        ended
    }

    /// Remembers a client that its document describes.
    pub(crate) fn remember(&self, found: Found, deadline: i64, now: i64) {
        lock(&self.documents).insert(Key::of(Kind::Client, &found.id), found, deadline, now);
    }

    /// Back to the configured ones.
    pub(crate) fn clear(&self) {
        lock(&self.registered).clear();
        lock(&self.documents).clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
