//! The authorization code: given out once, redeemed once (RFC 6749 §4.1.2, §4.1.3).
//!
//! Must not know how tokens are made.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::authorize::AuthorizationRequest;
use super::claims_request::Wanted;
use super::pkce;
use crate::error::{Code, Refused};
use crate::findings::{Leniency, Relaxation};
use crate::store::{CodeRecord, Key, Kind, Ledger, Session, Terms};

/// RFC 6749 §4.1.2 allows ten minutes; a client that is alive needs a second.
const LIFETIME: i64 = 60;
/// A used or expired code is remembered longer than it works, so that its reuse is recognised and punished.
const REMEMBERED: i64 = 600;
/// How long a grant lives without being refreshed.
pub(crate) const GRANT_LIFETIME: i64 = 24 * 3_600;

/// What a redeemed code or refresh token entitles to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) grant: u64,
    pub(crate) session: Session,
    pub(crate) scope: String,
    pub(crate) nonce: Option<String>,
    pub(crate) terms: Terms,
}

/// Remembers a code for a request that a person agreed to, and names its grant.
pub(crate) fn give(ledger: &mut Ledger, request: &AuthorizationRequest, session: Session, code: &str, now: i64) -> u64 {
    let grant = open(ledger, request, &session, now);
    let record = CodeRecord {
        client_id: request.client_id.clone(),
        redirect_uri: request.redirect_uri.clone(),
        challenge: request.challenge.clone(),
        scope: request.scope.clone(),
        nonce: request.nonce.clone(),
        session,
        grant,
        expires: now.saturating_add(LIFETIME),
        used: false,
        terms: request.terms.clone(),
    };
    ledger.codes.insert(Key::of(Kind::AuthorizationCode, code), record, now.saturating_add(REMEMBERED), now);
    grant
}

/// Opens the grant of a request that a person agreed to.
pub(crate) fn open(ledger: &mut Ledger, request: &AuthorizationRequest, session: &Session, now: i64) -> u64 {
    let grant = ledger.open_grant(session, &request.client_id, now.saturating_add(GRANT_LIFETIME), now);
    if request.claims.wanted != Wanted::default() {
        ledger.want(grant, &request.claims.wanted, now);
    }
    grant
}

/// What a client shows to redeem a code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Redemption<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) code: &'a str,
    pub(crate) redirect_uri: Option<&'a str>,
    pub(crate) verifier: Option<&'a str>,
    /// The thumbprint of the key that the client proved to hold.
    pub(crate) key: Option<&'a str>,
}

/// Redeems a code, once. A second time revokes everything the first one brought (RFC 6749 §4.1.2): one of the two
/// was a thief, and nobody knows which.
pub(crate) fn redeem(
    ledger: &mut Ledger,
    redemption: Redemption<'_>,
    leniency: &Leniency<'_>,
) -> Result<Granted, Refused> {
    let (client_id, now) = (redemption.client_id, leniency.now);
    let key = Key::of(Kind::AuthorizationCode, redemption.code);
    let record = ledger.codes.get(&key, now).cloned().ok_or_else(|| refused("the code is unknown or long expired"))?;
    if record.client_id != redemption.client_id {
        return Err(refused("the code was given to another client"));
    }
    if record.used {
        ledger.revoke_grant(record.grant, now);
        return Err(refused(
            "the code was used before; whatever it brought is revoked now, because one of the two is a thief",
        ));
    }
    if now >= record.expires {
        let refused = refused("the code is expired: it is good for 60 seconds");
        leniency.let_through(Relaxation::CodeExpired, client_id, refused)?;
    }
    match redemption.redirect_uri {
        Some(redirect_uri) if redirect_uri == record.redirect_uri => {}
        Some(_) => return Err(refused("`redirect_uri` is not the one of the authorization request")),
        None => {
            let refused = refused("`redirect_uri` is missing: repeat the one of the authorization request");
            leniency.let_through(Relaxation::RedirectUriNotRepeated, client_id, refused)?;
        }
    }
    match (pkce::verify(&record.challenge, redemption.verifier), redemption.verifier) {
        (Err(refused), None) => leniency.let_through(Relaxation::VerifierMissing, client_id, refused)?,
        (verified, _) => verified?,
    }
    check_key(record.terms.key.as_deref(), redemption.key, "code")?;
    if !ledger.grant_is_live(record.grant, now) {
        return Err(refused("the person's session was ended"));
    }
    if let Some(stored) = ledger.codes.get_mut(&key, now) {
        stored.used = true;
    }
    Ok(Granted {
        grant: record.grant,
        session: record.session,
        scope: record.scope,
        nonce: record.nonce,
        terms: record.terms,
    })
}

/// Whatever is bound to a key works only with a proof of that key (RFC 9449 §5, §10): a thief does not have it.
pub(crate) fn check_key(bound: Option<&str>, proven: Option<&str>, what: &str) -> Result<(), Refused> {
    let reason = match (bound, proven) {
        (None, _) => return Ok(()),
        (Some(bound), Some(proven)) if bound == proven => return Ok(()),
        (Some(_), Some(_)) => format!("the {what} is bound to another key than that of the DPoP proof"),
        (Some(_), None) => format!("the {what} is bound to a key, and the request has no DPoP proof"),
    };
    Err(Refused::new(Code::InvalidGrant, "RFC 9449 section 5", reason))
}

fn refused(reason: &str) -> Refused {
    Refused::new(Code::InvalidGrant, "RFC 6749 section 4.1.3", reason)
}
