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
        used: false,
        terms: granted.terms.clone(),
    };
    ledger.keep_grant(granted.grant, deadline);
    ledger.refresh_tokens.insert(Key::of(Kind::RefreshToken, token), record, deadline, now);
}

/// What a refresh token entitles to, without using it up.
pub(crate) fn look(
    ledger: &mut Ledger,
    client_id: &str,
    token: &str,
    leniency: &Leniency<'_>,
) -> Result<Granted, Refused> {
    let now = leniency.now;
    let key = Key::of(Kind::RefreshToken, token);
    let record = ledger.refresh_tokens.get(&key, now).cloned();
    let record = record.ok_or_else(|| refused("the refresh token is unknown or expired"))?;
    if record.client_id != client_id {
        return Err(refused("the refresh token was given to another client"));
    }
    if record.used {
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
    client_id: &str,
    token: &str,
    leniency: &Leniency<'_>,
) -> Result<Granted, Refused> {
    let granted = look(ledger, client_id, token, leniency)?;
    if let Some(record) = ledger.refresh_tokens.get_mut(&Key::of(Kind::RefreshToken, token), leniency.now) {
        record.used = true;
    }
    Ok(granted)
}

fn refused(reason: &str) -> Refused {
    Refused::new(Code::InvalidGrant, "RFC 6749 section 6", reason)
}
