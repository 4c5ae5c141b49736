//! What the provider remembers between requests, all in memory. Must not know HTTP or signatures.

mod clients;
mod device;
mod expiring;
mod image;
mod ledger;
mod seen;
mod sessions;
mod tokens;

use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

pub(crate) use clients::{Clients, Found, REGISTERED_PREFIX, Registered};
pub(crate) use device::{Asked, DeviceRecord, DeviceState};
pub(crate) use expiring::Expiring;
pub(crate) use image::{Expire, Image};
pub(crate) use ledger::{CodeRecord, Ledger, PendingLogin, PushedRequest, RefreshRecord, Session, Terms};
pub(crate) use seen::{Seen, Sight};
pub(crate) use tokens::{Holder, TokenRecord, Tokens};

/// The name under which a bearer value is kept: half a SHA-256 of it, so that the memory of the process holds none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Key([u8; 16]);

/// What a value is, mixed into its [`Key`]: a value of one kind never finds a record of another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    AuthorizationCode,
    RefreshToken,
    Session,
    Login,
    Browser,
    TokenIdentifier,
    OpaqueToken,
    Client,
    RegistrationToken,
    PushedRequest,
    DeviceCode,
    UserCode,
    Assertion,
    Proof,
    AuthenticationRequest,
}

impl Key {
    pub(crate) fn of(kind: Kind, value: &str) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(&[kind as u8]);
        context.update(value.as_bytes());
        let mut key = [0_u8; 16];
        for (to, from) in key.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        Self(key)
    }

    /// A number from 0 to `shards` - 1, evenly spread.
    fn shard(self, shards: usize) -> usize {
        let Self([first, ..]) = self;
        usize::from(first) % shards.max(1)
    }
}

/// Everything remembered. Logins and grants are few and belong together; access tokens are many and are sharded.
pub(crate) struct Store {
    ledger: Mutex<Ledger>,
    pub(crate) tokens: Tokens,
    pub(crate) clients: Clients,
    pub(crate) seen: Seen,
}

impl Store {
    pub(crate) fn new(clients: Clients) -> Self {
        Self { ledger: Mutex::new(Ledger::new()), tokens: Tokens::new(), clients, seen: Seen::new() }
    }

    /// Exclusive access, so that "unused, now used" is one step. Never held across an `await`.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Back to an empty memory.
    pub(crate) fn reset(&self) {
        self.ledger().clear();
        self.tokens.clear();
        self.clients.clear();
        self.seen.clear();
    }

    /// Whether a token that was issued is still good: not revoked itself, nor its grant, nor its person's sessions.
    pub(crate) fn is_live(&self, record: &TokenRecord, now: i64) -> bool {
        if record.revoked || self.clients.is_gone(&record.client_id, now) {
            return false;
        }
        match &record.holder {
            Holder::Client => true,
            Holder::Grant(grant) => self.ledger().grant_is_live(*grant, now),
            Holder::Minted { user, serial } => !self.ledger().is_ended(user, *serial),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_memory_with_a_hundred_thousand_tokens_is_emptied_in_less_than_50_ms() {
        let store = Store::new(Clients::new(&std::collections::BTreeMap::new()));
        let client_id: Arc<str> = "backend".into();
        let mut times = Vec::new();
        // The quickest of three: a machine that does something else for a moment is no slow reset.
        for _ in 0..3 {
            for number in 0..100_000_u32 {
                let client_id = Arc::clone(&client_id);
                let record = TokenRecord { holder: Holder::Client, client_id, revoked: false, claims: None };
                store.tokens.insert(Key::of(Kind::TokenIdentifier, &number.to_string()), record, 300, 0);
            }
            assert_eq!(store.tokens.len(), 100_000);
            let begin = Instant::now();
            store.reset();
            times.push(begin.elapsed());
            assert_eq!(store.tokens.len(), 0);
        }
        assert!(times.iter().any(|time| time.as_millis() < 50), "{times:?}");
    }
}
