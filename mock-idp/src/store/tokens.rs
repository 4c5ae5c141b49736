//! The access tokens that were issued, sharded so that threads do not queue. Must not know what a grant is.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::Key;
use super::expiring::Expiring;
use crate::claims::PresentedClaims;

const SHARDS: usize = 16;
/// 112 thousand tokens in all; older ones are forgotten, which makes them inactive (fails closed). A map of 7,168 entries is
/// full: one more would double it. With 12,500 the process grew to 77 MB, and 64 are allowed.
const CAPACITY: usize = 7_000;

/// Whose token it is, and what ends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Holder {
    /// A client of its own (RFC 6749 §4.4).
    Client,
    /// A person who logged in; ends with the grant.
    Grant(u64),
    /// A person for whom the control API minted; ends with the person's sessions.
    Minted { user: Arc<str>, serial: u64 },
}

/// One issued access token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TokenRecord {
    pub(crate) holder: Holder,
    pub(crate) client_id: Arc<str>,
    pub(crate) revoked: bool,
    /// What an opaque token stands for; a JWT says it itself.
    pub(crate) claims: Option<Box<PresentedClaims>>,
}

/// All issued access tokens, by the key of their `jti` or of the opaque value.
pub(crate) struct Tokens {
    shards: Vec<Mutex<Expiring<Key, TokenRecord>>>,
}

impl Tokens {
    pub(crate) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::new(Expiring::new(CAPACITY))).collect() }
    }

    pub(crate) fn insert(&self, key: Key, record: TokenRecord, deadline: i64, now: i64) {
        if let Some(mut shard) = self.shard(key) {
            shard.insert(key, record, deadline, now);
        }
    }

    pub(crate) fn find(&self, key: Key, now: i64) -> Option<TokenRecord> {
        self.shard(key)?.get(&key, now).cloned()
    }

    pub(crate) fn revoke(&self, key: Key, now: i64) {
        if let Some(mut shard) = self.shard(key)
            && let Some(record) = shard.get_mut(&key, now)
        {
            record.revoked = true;
        }
    }

    /// As if its time were over; `true` when it was there.
    pub(crate) fn remove(&self, key: Key) -> bool {
        self.shard(key).is_some_and(|mut shard| shard.remove(&key))
    }

    /// Every token that is not over.
    pub(crate) fn image(&self, now: i64) -> Vec<(Key, i64, TokenRecord)> {
        let of = |shard: &Mutex<Expiring<Key, TokenRecord>>| -> Vec<_> {
            lock(shard).live(now).map(|(key, deadline, record)| (*key, deadline, record.clone())).collect()
        };
        self.shards.iter().flat_map(of).collect()
    }

    /// How many are kept.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            lock(shard).clear();
        }
    }

    fn shard(&self, key: Key) -> Option<MutexGuard<'_, Expiring<Key, TokenRecord>>> {
        self.shards.get(key.shard(SHARDS)).map(lock)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
