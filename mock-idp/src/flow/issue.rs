//! Making an access token and the ID token beside it. Must not know why they are given.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use serde_json::{Value, json};

use super::claims_request::Wanted;
use super::telling::told;
use crate::claims::{AccessClaims, Audience, Confirmation, IdClaims, PresentedClaims};
use crate::config::{AccessToken, ClaimTarget, Config, TokenFormat};
use crate::directory::User;
use crate::jws;
use crate::keys::{Algorithm, SigningFailed, SigningKey, TokenType};
use crate::store::{Holder, Key, Kind, Session, Store, TokenRecord};

/// What an access token is made of.
pub(crate) struct AccessOrder<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) scope: &'a str,
    pub(crate) holder: Holder,
    /// The person, for tenant and roles; none for a client of its own.
    pub(crate) user: Option<&'a User>,
    /// A fresh identifier.
    pub(crate) token_id: &'a str,
    /// A fresh secret, the token itself where tokens are opaque.
    pub(crate) opaque: &'a str,
    pub(crate) particulars: Particulars<'a>,
}

/// What only some access tokens have.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Particulars<'a> {
    /// Whom the token is for; empty: the configured audience.
    pub(crate) audience: &'a [String],
    /// The thumbprint of the key that it is bound to (RFC 9449 §6).
    pub(crate) key: Option<&'a str>,
    /// The `act` claim (RFC 8693 §4.1).
    pub(crate) actor: Option<&'a Value>,
    pub(crate) authorization_details: Option<&'a Arc<Value>>,
    /// When and how the person logged in.
    pub(crate) session: Option<&'a Session>,
    /// The token it came of ends then.
    pub(crate) not_after: Option<i64>,
}

impl Particulars<'_> {
    /// When a token that is issued now ends.
    pub(crate) fn expires(&self, config: &Config, now: i64) -> i64 {
        let usual = now.saturating_add(lifetime(&config.access_token));
        self.not_after.map_or(usual, |end| usual.min(end))
    }
}

/// Makes an access token as configured and remembers it.
pub(crate) fn access_token(
    config: &Config,
    key: &SigningKey,
    store: &Store,
    order: AccessOrder<'_>,
    now: i64,
) -> Result<String, SigningFailed> {
    let special = order.particulars;
    let expires = special.expires(config, now);
    let aud = Audience::of(special.audience, audience(config));
    let claims = AccessClaims {
        iss: &config.issuer,
        sub: order.subject,
        aud: &aud,
        exp: expires,
        iat: now,
        jti: order.token_id,
        client_id: order.client_id,
        scope: order.scope,
        // Both come with the rest, which is told as configured.
        tenant: None,
        roles: None,
        auth_time: special.session.map(|session| session.auth_time),
        acr: special.session.and_then(|session| session.acr.as_deref()),
        cnf: special.key.map(|jkt| Confirmation { jkt }),
        act: special.actor,
        authorization_details: special.authorization_details.map(AsRef::as_ref),
        person: order.user.map(|user| told(config, user, ClaimTarget::AccessToken, None)).unwrap_or_default(),
    };
    let (token, name, kept) = match config.access_token.format {
        TokenFormat::Jwt => {
            (key.sign(TokenType::Access, &claims)?, Key::of(Kind::TokenIdentifier, order.token_id), None)
        }
        TokenFormat::Opaque => (
            order.opaque.to_owned(),
            Key::of(Kind::OpaqueToken, order.opaque),
            Some(Box::new(presented(&claims, special.authorization_details))),
        ),
    };
    let record =
        TokenRecord { holder: order.holder, client_id: Arc::from(order.client_id), revoked: false, claims: kept };
    store.tokens.insert(name, record, expires, now);
    Ok(token)
}

/// Makes the ID token for a login (OpenID Connect Core §2, §3.1.3.6).
pub(crate) fn id_token(
    config: &Config,
    key: &SigningKey,
    login: IdOrder<'_>,
    now: i64,
) -> Result<String, SigningFailed> {
    let claims = IdClaims {
        iss: &config.issuer,
        sub: &login.session.user,
        aud: login.client_id,
        exp: now.saturating_add(lifetime(&config.access_token)),
        iat: now,
        auth_time: login.session.auth_time,
        acr: login.session.acr.as_deref(),
        sid: &login.session.sid,
        amr: if login.session.second_factor { &["user", "otp", "mfa"] } else { &["user"] },
        at_hash: login.access_token.map(|token| half_hash(key.algorithm(), token)),
        c_hash: login.code.map(|code| half_hash(key.algorithm(), code)),
        nonce: login.nonce,
        person: told(config, login.user, ClaimTarget::IdToken, login.wanted),
    };
    key.sign(TokenType::Id, &claims)
}

/// What an ID token is made of.
pub(crate) struct IdOrder<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) session: &'a Session,
    pub(crate) user: &'a User,
    pub(crate) nonce: Option<&'a str>,
    /// The access token beside it, if there is one.
    pub(crate) access_token: Option<&'a str>,
    /// The code beside it, in the hybrid flow (OpenID Connect Core §3.3.2.11).
    pub(crate) code: Option<&'a str>,
    /// What the client asked for by name (OpenID Connect Core §5.5).
    pub(crate) wanted: Option<&'a Wanted>,
}

/// Seconds that an access token lives, in the type of the clock.
pub(crate) fn lifetime(access_token: &AccessToken) -> i64 {
    i64::try_from(access_token.lifetime_seconds).unwrap_or(i64::MAX)
}

/// Whom an access token is for (RFC 9068 §2.2).
pub(crate) fn audience(config: &Config) -> &str {
    config.access_token.audience.as_deref().unwrap_or(&config.issuer)
}

/// Ties an ID token to its access token or code: the left half of the hash that its own signature uses (OpenID Connect
/// Core §3.1.3.6); Ed25519 uses SHA-512 (RFC 8032 §5.1).
pub(crate) fn half_hash(algorithm: Algorithm, value: &str) -> String {
    let hash = match algorithm {
        Algorithm::EdDsa => digest(&SHA512, value.as_bytes()),
        Algorithm::ES256 | Algorithm::RS256 | Algorithm::PS256 => digest(&SHA256, value.as_bytes()),
    };
    let bytes = hash.as_ref();
    jws::encode(bytes.get(..bytes.len() / 2).unwrap_or_default())
}

fn presented(claims: &AccessClaims<'_>, authorization_details: Option<&Arc<Value>>) -> PresentedClaims {
    PresentedClaims {
        iss: claims.iss.to_owned(),
        sub: claims.sub.to_owned(),
        aud: claims.aud.clone(),
        exp: claims.exp,
        iat: claims.iat,
        jti: claims.jti.to_owned(),
        client_id: claims.client_id.to_owned(),
        nbf: None,
        scope: Some(claims.scope.to_owned()).filter(|scope| !scope.is_empty()),
        auth_time: claims.auth_time,
        acr: claims.acr.map(str::to_owned),
        cnf: claims.cnf.map(|cnf| json!(cnf)),
        act: claims.act.cloned(),
        may_act: None,
        authorization_details: authorization_details.cloned(),
    }
}
