//! What provider and IAM say of a session without being asked: security event tokens (RFC 8417, OpenID CAEP 1.0) and logout
//! tokens (OpenID Connect Back-Channel Logout 1.0). Anybody can send one, so the signature is all that counts. Must not know
//! HTTP, nor what becomes of the session.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What a logout token must hold (Back-Channel Logout §2.4).
const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// Events after which nothing of a user's is good any more (CAEP 1.0 §3.1, RISC 1.0 §2).
const ENDS: [&str; 3] = [
    "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
    "https://schemas.openid.net/secevent/risc/event-type/account-disabled",
    "https://schemas.openid.net/secevent/risc/event-type/account-purged",
];
/// Asymmetric ones only: a published key must not become a shared secret (RFC 8725 §3.1).
const ALGORITHMS: [Algorithm; 4] = [Algorithm::ES256, Algorithm::RS256, Algorithm::PS256, Algorithm::EdDSA];
/// How old a statement may be, in seconds. For so long its `jti` is remembered, so that it cannot come again.
pub const LONGEST: i64 = 3600;
/// By how much clocks may differ, in seconds.
const SKEW: i64 = 60;

/// What kind of statement is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Of the IAM.
    Event,
    /// Of the provider.
    Logout,
}

/// Who may say it, and to whom.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Which kind.
    pub kind: Kind,
    /// Who says it.
    pub issuer: &'a str,
    /// Who we are to them.
    pub audience: &'a str,
    /// Who vouches for the users that it speaks of.
    pub provider: &'a str,
    /// Seconds since 1970.
    pub now: i64,
}

/// A statement that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its identifier.
    pub jti: String,
    /// Whose sessions are over since when; nothing when it says something else.
    pub ended: Option<(String, i64)>,
}

/// Why a statement is not believed. It names no more than the sender knows already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unbelievable {
    /// No JWT, of another kind, or signed in a way that we do not take.
    #[error("it is no statement of the expected kind")]
    Form,
    /// Not signed by a published key, not from whom it should be, not for us, or expired.
    #[error("its signature, issuer, audience or time is not right")]
    Signature,
    /// What it says is incomplete, or does not belong there.
    #[error("its claims are not those of such a statement")]
    Claims,
    /// Too old, or from the future.
    #[error("it was not issued within the last hour")]
    Time,
}

#[derive(Debug, Deserialize)]
struct Claims {
    jti: String,
    iat: i64,
    events: Map<String, Value>,
    sub: Option<String>,
    sub_id: Option<Subject>,
    nonce: Option<Value>,
}

/// RFC 9493 §3.2.2.
#[derive(Debug, Deserialize)]
struct Subject {
    format: String,
    iss: Option<String>,
    sub: Option<String>,
}

/// Verifies a statement with the published keys of who should have made it.
///
/// # Errors
/// When anything is not as it should be; it is then as if nobody had said anything.
pub fn verify(token: &str, keys: &JwkSet, expected: &Expected<'_>) -> Result<Statement, Unbelievable> {
    let header = decode_header(token).map_err(|_| Unbelievable::Form)?;
    // Explicit types keep ID tokens and access tokens out (RFC 8725 §3.11).
    let kind = match expected.kind {
        Kind::Event => "secevent+jwt",
        Kind::Logout => "logout+jwt",
    };
    if !header.typ.is_some_and(|typ| typ.eq_ignore_ascii_case(kind)) || !ALGORITHMS.contains(&header.alg) {
        return Err(Unbelievable::Form);
    }
    let key = header.kid.and_then(|kid| keys.find(&kid)).ok_or(Unbelievable::Signature)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| Unbelievable::Signature)?;
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.audience]);
    // An event has no end (RFC 8417 §2.2); where there is one, it counts.
    validation.set_required_spec_claims(&["iss", "aud"]);
    let claims = decode::<Claims>(token, &key, &validation).map_err(|_| Unbelievable::Signature)?.claims;
    claims.read(expected)
}

impl Claims {
    fn read(self, expected: &Expected<'_>) -> Result<Statement, Unbelievable> {
        if self.iat > expected.now + SKEW || self.iat < expected.now - LONGEST {
            return Err(Unbelievable::Time);
        }
        let ended = match expected.kind {
            // With a nonce it could be an ID token (§2.4); we keep no `sid`, so it must name the user.
            Kind::Logout if self.nonce.is_some() || !self.events.contains_key(LOGOUT) => None,
            Kind::Logout => self.sub.map(|user| Some((user, self.iat))),
            Kind::Event => self.sub_id.and_then(|subject| subject.of(expected.provider)).map(|user| {
                let event = ENDS.iter().find_map(|name| self.events.get(*name))?;
                let since = event.get("event_timestamp").and_then(Value::as_i64).unwrap_or(self.iat);
                Some((user, since))
            }),
        };
        Ok(Statement { jti: self.jti, ended: ended.ok_or(Unbelievable::Claims)? })
    }
}

impl Subject {
    /// The user, when it is one whom this provider vouches for.
    fn of(self, provider: &str) -> Option<String> {
        let ours = self.format == "iss_sub" && self.iss.as_deref() == Some(provider);
        self.sub.filter(|_| ours)
    }
}
