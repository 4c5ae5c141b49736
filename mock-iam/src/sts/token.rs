//! The web identity token: signature by a published key of its issuer, times, audience. Pure: keys and time are arguments.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use super::StsError;
use crate::config::OidcProvider;

/// No key of ours is symmetric: accepting HMAC would let anybody sign with the public key.
const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::ES256, Algorithm::ES384];

/// Claims of a token whose signature, times and audience were verified.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    /// The issuer without its scheme: the name of the provider in trust policies.
    pub(crate) provider: String,
    pub(crate) issuer: String,
    pub(crate) subject: String,
    /// The audience that was accepted.
    pub(crate) audience: String,
    pub(crate) all: Map<String, Value>,
}

/// The issuer that a token names, unverified: only to choose keys.
pub(crate) fn claimed_issuer(token: &str) -> Result<String, StsError> {
    let mut parts = token.split('.');
    let payload = parts.nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims: Option<Map<String, Value>> = payload.and_then(|payload| serde_json::from_slice(&payload).ok());
    let issuer = claims.as_ref().and_then(|claims| claims.get("iss")).and_then(Value::as_str);
    issuer.map(str::to_owned).ok_or_else(|| invalid("The ID Token provided is not a valid JWT"))
}

/// Whether a set has the key that a token names.
pub(crate) fn has_key(token: &str, keys: &JwkSet) -> bool {
    jsonwebtoken::decode_header(token).is_ok_and(|header| header.kid.is_none_or(|kid| keys.find(&kid).is_some()))
}

/// Verifies a token; `now` in seconds since the epoch.
pub(crate) fn verify(token: &str, provider: &OidcProvider, (keys, now): (&JwkSet, i64)) -> Result<Claims, StsError> {
    let header = jsonwebtoken::decode_header(token);
    let header = header.map_err(|_| invalid("The ID Token provided is not a valid JWT"))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(invalid("The signing algorithm of the ID Token is not supported"));
    }
    let key = key(keys, header.kid.as_deref());
    let key = key.ok_or_else(|| invalid("No key of the identity provider matches the ID Token"))?;
    let decoding =
        DecodingKey::from_jwk(key).map_err(|_| invalid("The key of the identity provider cannot be used"))?;
    let mut validation = Validation::new(header.alg);
    // Times and audience are verified below, against the time that we were given.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims = jsonwebtoken::decode::<Map<String, Value>>(token, &decoding, &validation);
    let claims = claims.map_err(|_| invalid("The signature of the ID Token is not valid"))?.claims;
    times(&claims, now)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    if text("iss").as_deref() != Some(provider.issuer.as_str()) {
        return Err(invalid("The issuer of the ID Token is not the identity provider"));
    }
    let audience = audiences(&claims).into_iter().find(|audience| provider.client_ids.contains(audience));
    Ok(Claims {
        provider: provider_name(&provider.issuer).to_owned(),
        issuer: provider.issuer.clone(),
        subject: text("sub").ok_or_else(|| invalid("The ID Token has no subject"))?,
        audience: audience.ok_or_else(|| invalid("Incorrect token audience"))?,
        all: claims,
    })
}

/// An issuer as trust policies name it: without scheme and final slash.
pub(crate) fn provider_name(issuer: &str) -> &str {
    let name = issuer.strip_prefix("https://").or_else(|| issuer.strip_prefix("http://")).unwrap_or(issuer);
    name.trim_end_matches('/')
}

fn key<'a>(keys: &'a JwkSet, name: Option<&str>) -> Option<&'a Jwk> {
    let fit = |key: &&Jwk| !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
    match name {
        Some(name) => keys.find(name).filter(fit),
        // Without a name there is no doubt only when there is one key.
        None => match keys.keys.as_slice() {
            [only] => Some(only).filter(fit),
            _ => None,
        },
    }
}

fn times(claims: &Map<String, Value>, now: i64) -> Result<(), StsError> {
    let time = |name: &str| claims.get(name).and_then(Value::as_f64).map(|seconds| seconds as i64);
    let expired = time("exp").ok_or_else(|| invalid("The ID Token has no expiration time"))?;
    if expired <= now {
        return Err(StsError::ExpiredToken { now, expired });
    }
    // A minute of leeway for clocks that differ.
    if ["nbf", "iat"].into_iter().filter_map(time).any(|time| time > now + 60) {
        return Err(invalid("The ID Token is not valid yet"));
    }
    Ok(())
}

fn audiences(claims: &Map<String, Value>) -> Vec<String> {
    match claims.get("aud") {
        Some(Value::String(audience)) => vec![audience.clone()],
        Some(Value::Array(audiences)) => audiences.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn invalid(message: &str) -> StsError {
    StsError::InvalidIdentityToken(message.to_owned())
}
