//! A device or a client asks, a person elsewhere answers, the one who asked polls (RFC 8628, OpenID Connect CIBA Core).
//!
//! Must not know pages or how tokens are made.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use super::code::{GRANT_LIFETIME, Granted};
use crate::error::{Code, Refused};
use crate::store::{Asked, DeviceRecord, DeviceState, Key, Kind, Ledger, Session, Terms};

/// A code that is over is remembered longer than it works: `expired_token` is not `invalid_grant`.
const REMEMBERED: i64 = 600;
/// RFC 8628 §3.5: what a device that polls too fast must wait longer from then on.
const SLOW_DOWN: i64 = 5;
/// Wrong user codes in a minute before nobody may try any more (RFC 8628 §5.1): 25 billion codes last for ever then.
const MAX_WRONG: u32 = 60;

/// What a device asks for.
pub(crate) struct Ask {
    pub(crate) client_id: Arc<str>,
    pub(crate) scope: String,
    pub(crate) terms: Terms,
    pub(crate) lifetime: i64,
    pub(crate) interval: i64,
    /// Whom a client asks; a device asks whoever types its code.
    pub(crate) asked: Option<Asked>,
}

/// Who waits, which decides what the poll is called and where it is specified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    Device,
    Client,
}

impl Waiting {
    fn kind(self) -> Kind {
        match self {
            Self::Device => Kind::DeviceCode,
            Self::Client => Kind::AuthenticationRequest,
        }
    }

    fn handle(self) -> &'static str {
        match self {
            Self::Device => "device code",
            Self::Client => "`auth_req_id`",
        }
    }

    fn clause(self) -> &'static str {
        match self {
            Self::Device => "RFC 8628 section 3.5",
            Self::Client => "OpenID Connect CIBA Core section 11",
        }
    }
}

/// Remembers a device under both of its codes.
pub(crate) fn begin(ledger: &mut Ledger, ask: Ask, device_code: &str, user_code: &str, now: i64) {
    let expires = now.saturating_add(ask.lifetime);
    let waiting = if ask.asked.is_some() { Waiting::Client } else { Waiting::Device };
    let key = Key::of(waiting.kind(), device_code);
    let record = DeviceRecord {
        client_id: ask.client_id,
        scope: ask.scope,
        terms: ask.terms,
        user_code: user_code.to_owned(),
        asked: ask.asked,
        expires,
        interval: ask.interval,
        last_poll: None,
        state: DeviceState::Pending,
    };
    ledger.devices.by_user_code.insert(user_key(user_code), key, expires, now);
    ledger.devices.records.insert(key, record, expires.saturating_add(REMEMBERED), now);
}

/// The waiting device behind what a person typed.
pub(crate) fn find(ledger: &mut Ledger, typed: &str, now: i64) -> Result<DeviceRecord, Refused> {
    let minute = now.div_euclid(60);
    if ledger.devices.wrong_codes.0 != minute {
        ledger.devices.wrong_codes = (minute, 0);
    }
    if ledger.devices.wrong_codes.1 >= MAX_WRONG {
        return Err(page("RFC 8628 section 5.1", "too many wrong codes were typed; wait a minute and try again"));
    }
    let key = ledger.devices.by_user_code.get(&user_key(typed), now).copied();
    let found = key.and_then(|key| ledger.devices.records.get(&key, now)).cloned();
    match found {
        Some(record) if record.state == DeviceState::Pending => Ok(record),
        Some(_) => Err(page("RFC 8628 section 3.3", "this code was answered already")),
        None => {
            ledger.devices.wrong_codes.1 += 1;
            Err(page("RFC 8628 section 3.3", "there is no such code, or it is expired; look at the device again"))
        }
    }
}

/// Writes down what the person said; only the first answer counts.
pub(crate) fn answer(ledger: &mut Ledger, typed: &str, session: Option<Session>, now: i64) -> Result<(), Refused> {
    let record = find(ledger, typed, now)?;
    let asked = record.asked.map(|asked| asked.user);
    if asked.is_some_and(|asked| session.as_ref().is_some_and(|session| *session.user != *asked)) {
        return Err(page("OpenID Connect CIBA Core section 7.1", "somebody else was asked"));
    }
    let key = ledger.devices.by_user_code.get(&user_key(typed), now).copied();
    if let Some(record) = key.and_then(|key| ledger.devices.records.get_mut(&key, now)) {
        record.state = session.map_or(DeviceState::Denied, DeviceState::Approved);
    }
    Ok(())
}

/// Whoever still waits for a person, in order of user code.
pub(crate) fn pending(ledger: &Ledger, now: i64) -> Vec<DeviceRecord> {
    let records = ledger.devices.records.live(now).map(|(_, _, record)| record);
    let waits = |record: &&DeviceRecord| record.state == DeviceState::Pending && now < record.expires;
    let mut pending: Vec<DeviceRecord> = records.filter(waits).cloned().collect();
    pending.sort_by(|left, right| left.user_code.cmp(&right.user_code));
    pending
}

/// The user code behind the `auth_req_id` of a client.
pub(crate) fn user_code(ledger: &Ledger, auth_req_id: &str, now: i64) -> Option<String> {
    let key = Key::of(Kind::AuthenticationRequest, auth_req_id);
    ledger.devices.records.get(&key, now).map(|record| record.user_code.clone())
}

/// One poll (RFC 8628 §3.4, §3.5; OpenID Connect CIBA Core §10.1, §11).
pub(crate) fn poll(
    ledger: &mut Ledger,
    client_id: &str,
    (waiting, value): (Waiting, &str),
    now: i64,
) -> Result<Granted, Refused> {
    let (key, handle) = (Key::of(waiting.kind(), value), waiting.handle());
    let refused = |code, reason: &str| Err(Refused::new(code, waiting.clause(), reason));
    let Some(record) = ledger.devices.records.get_mut(&key, now) else {
        return refused(Code::InvalidGrant, &format!("the {handle} is unknown or long expired"));
    };
    if &*record.client_id != client_id {
        return refused(Code::InvalidGrant, &format!("the {handle} was given to another client"));
    }
    if let DeviceState::Redeemed { grant } = record.state {
        ledger.revoke_grant(grant, now);
        let reason = format!("the {handle} was used before; whatever it brought is revoked now");
        return refused(Code::InvalidGrant, &reason);
    }
    if now >= record.expires {
        return refused(Code::ExpiredToken, &format!("the {handle} is expired: begin again"));
    }
    let too_fast = record.last_poll.is_some_and(|last| now.saturating_sub(last) < record.interval);
    record.last_poll = Some(now);
    if too_fast {
        record.interval = record.interval.saturating_add(SLOW_DOWN);
        let reason = format!("you poll too fast: wait {} seconds between two polls from now on", record.interval);
        return refused(Code::SlowDown, &reason);
    }
    match record.state.clone() {
        DeviceState::Pending => refused(Code::AuthorizationPending, "the person has not answered yet: keep polling"),
        DeviceState::Denied => refused(Code::DeniedByPerson, "the person said no"),
        DeviceState::Redeemed { .. } => refused(Code::InvalidGrant, &format!("the {handle} was used before")),
        DeviceState::Approved(session) => {
            let (scope, terms) = (record.scope.clone(), record.terms.clone());
            let grant = ledger.open_grant(&session, client_id, now.saturating_add(GRANT_LIFETIME), now);
            if let Some(record) = ledger.devices.records.get_mut(&key, now) {
                record.state = DeviceState::Redeemed { grant };
            }
            if !ledger.grant_is_live(grant, now) {
                return refused(Code::InvalidGrant, "the person's session was ended");
            }
            Ok(Granted { grant, session, scope, nonce: None, terms })
        }
    }
}

/// As people type it: in any case, with or without the dash (RFC 8628 §6.1).
fn user_key(typed: &str) -> Key {
    let letters: String =
        typed.chars().filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_uppercase()).collect();
    Key::of(Kind::UserCode, &letters)
}

fn page(clause: &'static str, reason: &str) -> Refused {
    Refused::new(Code::InvalidRequest, clause, reason)
}
