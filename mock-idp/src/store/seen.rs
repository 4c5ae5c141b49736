//! What may be used once and was: identifiers of assertions and proofs. Must not know what they are of.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::{Mutex, PoisonError};

use super::Key;
use super::expiring::Expiring;

/// About 20 MB. A proof lives a minute, so this is 4,000 a second.
const CAPACITY: usize = 250_000;

/// Whether something comes for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    First,
    Again,
    /// So many are remembered that nothing more can be, and to forget one would let it be replayed: fails closed.
    Full,
}

/// Names that were seen, each until it is too old to be accepted anyway.
pub(crate) struct Seen(Mutex<Expiring<Key, ()>>);

impl Seen {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Expiring::new(CAPACITY)))
    }

    /// Looks and remembers in one step, so that of two at once only one is the first.
    pub(crate) fn look(&self, key: Key, deadline: i64, now: i64) -> Sight {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.get(&key, now).is_some() {
            return Sight::Again;
        }
        if entries.is_full(now) {
            return Sight::Full;
        }
        entries.insert(key, (), deadline, now);
        Sight::First
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
