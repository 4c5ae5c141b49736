//! The whole memory as a value, for snapshots, and parts of it made old. Must not know HTTP.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::expiring::Expiring;
use super::ledger::{CodeRecord, Grant, RefreshRecord, Session};
use super::tokens::TokenRecord;
use super::{Key, Kind, Store};

type Entries<K, V> = Vec<(K, i64, V)>;

/// What is remembered, but for what waits for an answer (login pages, pushed requests, devices), for registered clients,
/// whose secrets belong in no file, and for what may be used once and was.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Image {
    tokens: Entries<Key, TokenRecord>,
    sessions: Entries<Key, Session>,
    codes: Entries<Key, CodeRecord>,
    refresh_tokens: Entries<Key, RefreshRecord>,
    grants: Entries<u64, Grant>,
    ended: BTreeMap<String, u64>,
    last_serial: u64,
}

/// What can be made old all at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Expire {
    AccessTokens,
    RefreshTokens,
    Codes,
    Sessions,
    /// Login pages that wait for an answer.
    Logins,
}

impl Store {
    pub(crate) fn image(&self, now: i64) -> Image {
        let ledger = self.ledger();
        Image {
            tokens: self.tokens.image(now),
            sessions: entries(&ledger.sessions, now),
            codes: entries(&ledger.codes, now),
            refresh_tokens: entries(&ledger.refresh_tokens, now),
            grants: entries(&ledger.grants, now),
            ended: ledger.ended.clone(),
            last_serial: ledger.last_serial,
        }
    }

    /// Puts an image in place of what is remembered. Serials never go back: nothing that was ended begins again.
    /// Registered clients stay, and what was used once stays used.
    pub(crate) fn restore(&self, image: Image, now: i64) {
        self.ledger().clear();
        self.tokens.clear();
        for (key, deadline, record) in image.tokens {
            self.tokens.insert(key, record, deadline, now);
        }
        let mut ledger = self.ledger();
        fill(&mut ledger.sessions, image.sessions, now);
        fill(&mut ledger.codes, image.codes, now);
        fill(&mut ledger.refresh_tokens, image.refresh_tokens, now);
        fill(&mut ledger.grants, image.grants, now);
        ledger.ended = image.ended;
        ledger.last_serial = ledger.last_serial.max(image.last_serial);
    }

    /// Makes an access token old; how many there were.
    pub(crate) fn expire_access_token(&self, key: Key) -> usize {
        usize::from(self.tokens.remove(key))
    }

    /// Makes a refresh token or a code old; how many there were.
    pub(crate) fn expire_value(&self, value: &str) -> usize {
        let mut ledger = self.ledger();
        let refresh = ledger.refresh_tokens.remove(&Key::of(Kind::RefreshToken, value));
        let code = ledger.codes.remove(&Key::of(Kind::AuthorizationCode, value));
        usize::from(refresh) + usize::from(code)
    }

    /// Makes everything of a kind old; how many there were.
    pub(crate) fn expire_kind(&self, kind: Expire) -> usize {
        if kind == Expire::AccessTokens {
            let kept = self.tokens.len();
            self.tokens.clear();
            return kept;
        }
        let mut ledger = self.ledger();
        match kind {
            Expire::AccessTokens => 0,
            Expire::RefreshTokens => emptied(&mut ledger.refresh_tokens),
            Expire::Codes => emptied(&mut ledger.codes),
            Expire::Sessions => emptied(&mut ledger.sessions),
            Expire::Logins => emptied(&mut ledger.logins),
        }
    }
}

fn emptied<K: Copy + Eq + std::hash::Hash + Ord, V>(map: &mut Expiring<K, V>) -> usize {
    let kept = map.len();
    map.clear();
    kept
}

fn entries<K: Copy + Eq + std::hash::Hash + Ord, V: Clone>(map: &Expiring<K, V>, now: i64) -> Entries<K, V> {
    map.live(now).map(|(key, deadline, value)| (*key, deadline, value.clone())).collect()
}

fn fill<K: Copy + Eq + std::hash::Hash + Ord, V>(map: &mut Expiring<K, V>, entries: Entries<K, V>, now: i64) {
    for (key, deadline, value) in entries {
        map.insert(key, value, deadline, now);
    }
}
