//! Refresh tokens: rotated at each use, the family dies when an old one comes back (RFC 9700 §4.14.2).
//!
//! Must not know how tokens are made.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::code::{GRANT_LIFETIME, Granted};
use crate::error::{Code, Refused};
use crate::findings::{Leniency, Relaxation};
use crate::store::{Key, Kind, Ledger, RefreshRecord};

/// Remembers a refresh token of a grant, whose life it prolongs.
pub(crate) fn give(ledger: &mut Ledger, granted: &Granted, client_id: &str, token: &str, now: i64) {
    let deadline = now.saturating_add(GRANT_LIFETIME);
    let record = RefreshRecord {
        client_id: client_id.to_owned(),
        scope: granted.scope.clone(),
        session: granted.session.clone(),
        grant: granted.grant,
        used_at: None,
        terms: granted.terms.clone(),
    };
    ledger.keep_grant(granted.grant, deadline);
    ledger.refresh_tokens.insert(Key::of(Kind::RefreshToken, token), record, deadline, now);
}

/// A refresh token that somebody brings.
#[derive(Clone, Copy)]
pub(crate) struct Presented<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) token: &'a str,
    /// Seconds during which it may come again after its first use.
    pub(crate) grace: u32,
}

/// What a refresh token entitles to, without using it up.
pub(crate) fn look(ledger: &mut Ledger, presented: Presented<'_>, leniency: &Leniency<'_>) -> Result<Granted, Refused> {
    let Presented { client_id, token, grace } = presented;
    let now = leniency.now;
    let key = Key::of(Kind::RefreshToken, token);
    let record = ledger.refresh_tokens.get(&key, now).cloned();
    let record = record.ok_or_else(|| refused("the refresh token is unknown or expired"))?;
    if record.client_id != client_id {
        return Err(refused("the refresh token was given to another client"));
    }
    let in_grace = |used: i64| leniency.now < used.saturating_add(i64::from(grace));
    if record.used_at.is_some_and(|used| !in_grace(used)) {
        let refused =
            refused("the refresh token was used before; its whole family is revoked now, because one user is a thief");
        if let Err(refused) = leniency.let_through(Relaxation::RefreshTokenReused, client_id, refused) {
            ledger.revoke_grant(record.grant, now);
            return Err(refused);
        }
    }
    if !ledger.grant_is_live(record.grant, now) {
        return Err(refused("the grant behind the refresh token was revoked or the person's session was ended"));
    }
    Ok(Granted { grant: record.grant, session: record.session, scope: record.scope, nonce: None, terms: record.terms })
}

/// Uses a refresh token up. Looks again, because the directory was asked in between and another request may have won.
pub(crate) fn use_up(
    ledger: &mut Ledger,
    presented: Presented<'_>,
    leniency: &Leniency<'_>,
) -> Result<Granted, Refused> {
    let granted = look(ledger, presented, leniency)?;
    if let Some(record) = ledger.refresh_tokens.get_mut(&Key::of(Kind::RefreshToken, presented.token), leniency.now) {
        // The first use counts: a token that is used again and again within its grace does not live on by that.
        record.used_at.get_or_insert(leniency.now);
    }
    Ok(granted)
}

fn refused(reason: &str) -> Refused {
    Refused::new(Code::InvalidGrant, "RFC 6749 section 6", reason)
}
