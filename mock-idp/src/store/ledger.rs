//! Logins, sessions, codes, grants and refresh tokens, and how they end together. Must not know time or randomness.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Key;
use super::device::Devices;
use super::expiring::Expiring;
use crate::flow::authorize::AuthorizationRequest;
use crate::flow::claims_request::Wanted;
use crate::flow::form::Parameters;
use crate::flow::steps::Chosen;

/// Enough for any test; with [`MAX_LOGINS`] it bounds the memory that anonymous requests can take.
const CAPACITY: usize = 20_000;
/// Login pages that are open at a time: each keeps the `state` of its client.
const MAX_LOGINS: usize = 4_000;

/// Pushed authorization requests that wait for their browser, of at most 8 KB each.
const MAX_PUSHED: usize = 2_000;

/// What was agreed beside the scope; it goes from the authorization request through code and refresh token to the tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Terms {
    /// Whom tokens may be for (RFC 8707).
    pub(crate) resources: Vec<String>,
    /// What exactly was allowed (RFC 9396).
    pub(crate) authorization_details: Option<Arc<Value>>,
    /// The thumbprint of the only key that may use this (RFC 9449 §5, §10).
    pub(crate) key: Option<Arc<str>>,
}

/// Parameters that a client pushed (RFC 9126 §2.1).
#[derive(Clone, Debug)]
pub(crate) struct PushedRequest {
    pub(crate) client_id: Arc<str>,
    pub(crate) parameters: Parameters,
    /// Whether they came in a signed request object (RFC 9101).
    pub(crate) signed: bool,
    pub(crate) expires: i64,
    pub(crate) used: bool,
}

/// A login page that was shown and not yet answered.
#[derive(Clone, Debug)]
pub(crate) struct PendingLogin {
    pub(crate) request: AuthorizationRequest,
    /// The browser that was shown it: another one cannot answer, which stops forged logins.
    pub(crate) browser: Key,
    /// Who it is, once that is known and something else is still asked.
    pub(crate) chosen: Option<Chosen>,
}

/// A person at a browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) user: Arc<str>,
    pub(crate) auth_time: i64,
    /// The public name of the session, the `sid` claim.
    pub(crate) sid: Arc<str>,
    /// When it began, in the order of all logins; see [`Ledger::end_sessions`].
    pub(crate) serial: u64,
    /// How strongly the person was authenticated (OpenID Connect Core §2 `acr`), if the provider tells levels apart.
    pub(crate) acr: Option<Arc<str>>,
    /// Whether a second factor was passed.
    pub(crate) second_factor: bool,
}

/// An authorization code that was given out (RFC 6749 §4.1.2).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CodeRecord {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) scope: String,
    pub(crate) nonce: Option<String>,
    pub(crate) session: Session,
    pub(crate) grant: u64,
    pub(crate) expires: i64,
    pub(crate) used: bool,
    pub(crate) terms: Terms,
}

/// What a person allowed a client once; every token that came of it ends with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) user: Arc<str>,
    /// Whom the person allowed it.
    pub(crate) client_id: Arc<str>,
    pub(crate) login: u64,
    pub(crate) revoked: bool,
    /// The claims that the client asked for by name.
    #[serde(default)]
    pub(crate) wanted: Option<Arc<Wanted>>,
}

/// A refresh token of a family (RFC 9700 §4.14.2); kept after use so that its reuse is seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RefreshRecord {
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) session: Session,
    pub(crate) grant: u64,
    /// When it was used first.
    pub(crate) used_at: Option<i64>,
    pub(crate) terms: Terms,
}

/// All of it, behind one lock.
pub(crate) struct Ledger {
    pub(crate) logins: Expiring<Key, PendingLogin>,
    pub(crate) sessions: Expiring<Key, Session>,
    pub(crate) codes: Expiring<Key, CodeRecord>,
    pub(crate) refresh_tokens: Expiring<Key, RefreshRecord>,
    pub(crate) pushed: Expiring<Key, PushedRequest>,
    pub(crate) devices: Devices,
    /// The scopes that a person allowed a client.
    pub(crate) consents: BTreeMap<(String, String), BTreeSet<String>>,
    pub(super) grants: Expiring<u64, Grant>,
    pub(super) ended: BTreeMap<String, u64>,
    pub(super) last_serial: u64,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            logins: Expiring::new(MAX_LOGINS),
            sessions: Expiring::new(CAPACITY),
            codes: Expiring::new(CAPACITY),
            refresh_tokens: Expiring::new(CAPACITY),
            pushed: Expiring::new(MAX_PUSHED),
            devices: Devices::new(),
            consents: BTreeMap::new(),
            grants: Expiring::new(CAPACITY),
            ended: BTreeMap::new(),
            last_serial: 0,
        }
    }

    /// A number higher than all before: the order of events, without a clock.
    pub(crate) fn next_serial(&mut self) -> u64 {
        self.last_serial += 1;
        self.last_serial
    }

    /// Opens a grant for a session and names it.
    pub(crate) fn open_grant(&mut self, session: &Session, client_id: &str, deadline: i64, now: i64) -> u64 {
        let id = self.next_serial();
        let (user, login) = (Arc::clone(&session.user), session.serial);
        let grant = Grant { user, client_id: client_id.into(), login, revoked: false, wanted: None };
        self.grants.insert(id, grant, deadline, now);
        id
    }

    /// Keeps a grant as long as the tokens that were just made under it.
    pub(crate) fn keep_grant(&mut self, grant: u64, deadline: i64) {
        self.grants.keep_until(&grant, deadline);
    }

    /// Remembers which claims the client asked for by name.
    pub(crate) fn want(&mut self, grant: u64, wanted: &Wanted, now: i64) {
        if let Some(grant) = self.grants.get_mut(&grant, now) {
            grant.wanted = Some(Arc::new(wanted.clone()));
        }
    }

    /// The claims that the client asked for by name, if it did.
    pub(crate) fn wanted(&self, grant: u64, now: i64) -> Option<Arc<Wanted>> {
        self.grants.get(&grant, now).and_then(|grant| grant.wanted.clone())
    }

    /// Ends everything that came of a grant.
    pub(crate) fn revoke_grant(&mut self, grant: u64, now: i64) {
        if let Some(grant) = self.grants.get_mut(&grant, now) {
            grant.revoked = true;
        }
    }

    /// A forgotten grant is a dead one: fails closed.
    pub(crate) fn grant_is_live(&self, grant: u64, now: i64) -> bool {
        self.grants.get(&grant, now).is_some_and(|grant| !grant.revoked && !self.is_ended(&grant.user, grant.login))
    }

    /// The session behind a cookie, unless it was ended.
    pub(crate) fn live_session(&self, key: Key, now: i64) -> Option<Session> {
        self.sessions.get(&key, now).filter(|session| !self.is_ended(&session.user, session.serial)).cloned()
    }

    /// Ends whatever of this person began before now. One number does it: no list of sessions is walked, and a token
    /// that is being made at this moment is hit too, because it carries the serial of its login.
    pub(crate) fn end_sessions(&mut self, user: &str) {
        let serial = self.next_serial();
        self.ended.insert(user.to_owned(), serial);
    }

    /// Whether something of this person with this serial was ended.
    pub(crate) fn is_ended(&self, user: &str, serial: u64) -> bool {
        self.ended.get(user).is_some_and(|end| serial < *end)
    }

    /// Ends whatever somebody has, and forgets what they agreed to: the next one of the name is somebody else.
    pub(crate) fn forget_person(&mut self, user: &str) {
        self.end_sessions(user);
        self.consents.retain(|(who, _), _| who != user);
    }

    /// Forgets what people agreed to with a client that is gone.
    pub(crate) fn forget_client(&mut self, client_id: &str) {
        self.consents.retain(|(_, agreed_with), _| agreed_with != client_id);
    }

    /// Forgets everything; serials go on, so nothing old becomes new.
    pub(crate) fn clear(&mut self) {
        let last_serial = self.last_serial;
        *self = Self { last_serial, ..Self::new() };
    }
}
