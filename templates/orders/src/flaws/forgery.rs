//! Tokens that a broken verifier would believe: one kind for each flaw. Must not know the network or the clock.
//!
//! All of them name the right issuer and audience and, but for `expired-token`, a time to come: what is wrong with a token
//! is one thing only, so that no flaw lets through what another one is for.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Flaw;
use crate::secret::Secret;
use crate::statement::{Kind, Statement};

/// `SubjectPublicKeyInfo` of a P-256 key up to the point (RFC 5480 §2): what stands before it in every such key.
const P256_PREFIX: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];

/// What a sound verifier would hold a token to.
pub(crate) struct Trust<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) audience: &'a str,
    pub(crate) keys: Vec<PublishedKey>,
    pub(crate) now: i64,
}

/// A key of the provider's key set, as text and as key.
pub(crate) struct PublishedKey {
    text: Value,
    key: Jwk,
}

/// Duplicate members are refused, so no token can be of two kinds (RFC 7515 §4).
#[derive(Deserialize)]
struct Header {
    alg: Option<String>,
    jwk: Option<Value>,
    jku: Option<Value>,
    x5u: Option<Value>,
    x5c: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Value>,
    exp: Option<i64>,
    #[serde(default)]
    roles: Vec<String>,
}

/// A token in its parts, unverified.
struct Token<'a> {
    header: Header,
    claims: Claims,
    signed: &'a str,
    signature: Option<&'a str>,
}

/// The keys of a key set that can be read.
pub(crate) fn keys(set: &Value) -> Vec<PublishedKey> {
    let keys = set.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let published =
        |text: &Value| Some(PublishedKey { text: text.clone(), key: serde_json::from_value(text.clone()).ok()? });
    keys.iter().filter_map(published).collect()
}

/// The subject that a flaw makes the API believe in.
pub(crate) fn accepts(flaw: Flaw, token: &Secret, trust: &Trust<'_>) -> Option<String> {
    let token = Token::parse(token.expose())?;
    let believed = match flaw {
        Flaw::UnsignedToken => token.unexpired(trust) && token.says_unsigned(),
        Flaw::IgnoredSignature => token.unexpired(trust) && token.is_signed_wrongly(trust),
        Flaw::KeyConfusion => token.unexpired(trust) && token.is_keyed_with_published_text(trust),
        Flaw::EmbeddedKey => token.unexpired(trust) && token.proves_itself() && !token.is_signed(trust),
        Flaw::ExpiredToken => token.expired(trust) && token.is_signed(trust),
        _ => false,
    };
    let meant_for_us = token.claims.iss.as_deref() == Some(trust.issuer) && token.is_for(trust.audience);
    token.claims.sub.filter(|_| believed && meant_for_us)
}

/// Whether the token says, signed or not, that its subject has a role.
pub(crate) fn claims_role(token: &Secret, role: &str) -> bool {
    Token::parse(token.expose()).is_some_and(|token| token.claims.roles.iter().any(|claimed| claimed == role))
}

/// Whether the key that a token names is published.
pub(crate) fn is_of_published_key(token: &Secret, set: &Value) -> bool {
    let named = token.expose().split('.').next().and_then(part::<Value>);
    let kid = named.as_ref().and_then(|header| header.get("kid"));
    let keys = set.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    keys.iter().any(|key| kid.is_some() && key.get("kid") == kid)
}

/// A statement as it reads, whoever signed it.
pub(crate) fn statement(kind: Kind, token: &str) -> Option<Statement> {
    let claims: Value = part(token.split('.').nth(1)?)?;
    let (user, since) = match kind {
        Kind::Logout => (claims.get("sub")?, claims.get("iat")?.as_i64()?),
        Kind::Event => {
            let events = claims.get("events")?.as_object()?;
            (claims.pointer("/sub_id/sub")?, events.values().next()?.get("event_timestamp")?.as_i64()?)
        }
    };
    Some(Statement { jti: claims.get("jti")?.as_str()?.to_owned(), ended: Some((user.as_str()?.to_owned(), since)) })
}

impl<'a> Token<'a> {
    /// Takes `header.claims` or `header.claims.signature` apart.
    fn parse(text: &'a str) -> Option<Self> {
        let (header, rest) = text.split_once('.')?;
        let (claims, signature) = match rest.split_once('.') {
            Some((claims, signature)) => (claims, Some(signature)),
            None => (rest, None),
        };
        let signed = text.get(..header.len() + 1 + claims.len())?;
        Some(Self { header: part(header)?, claims: part(claims)?, signed, signature })
    }

    fn is_for(&self, audience: &str) -> bool {
        match &self.claims.aud {
            Some(Value::String(one)) => one == audience,
            Some(Value::Array(several)) => several.iter().any(|one| one == audience),
            _ => false,
        }
    }

    fn unexpired(&self, trust: &Trust<'_>) -> bool {
        self.claims.exp.is_some_and(|exp| exp > trust.now)
    }

    fn expired(&self, trust: &Trust<'_>) -> bool {
        self.claims.exp.is_some_and(|exp| exp <= trust.now)
    }

    fn says_unsigned(&self) -> bool {
        let algorithm = self.header.alg.as_deref().unwrap_or_default();
        self.signature.is_none() || algorithm.is_empty() || algorithm.eq_ignore_ascii_case("none")
    }

    fn is_signed_wrongly(&self, trust: &Trust<'_>) -> bool {
        let brings_a_key = [&self.header.jwk, &self.header.jku, &self.header.x5u, &self.header.x5c];
        self.signature.is_some()
            && self.algorithm() == Some(Algorithm::ES256)
            && brings_a_key.iter().all(|key| key.is_none())
            && !self.is_signed(trust)
    }

    fn is_signed(&self, trust: &Trust<'_>) -> bool {
        trust.keys.iter().any(|published| self.is_signed_with(&published.key))
    }

    fn proves_itself(&self) -> bool {
        let embedded = self.header.jwk.clone().and_then(|jwk| serde_json::from_value::<Jwk>(jwk).ok());
        embedded
            .is_some_and(|jwk| !matches!(jwk.algorithm, AlgorithmParameters::OctetKey(_)) && self.is_signed_with(&jwk))
    }

    fn is_keyed_with_published_text(&self, trust: &Trust<'_>) -> bool {
        let symmetric = matches!(self.algorithm(), Some(Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512));
        symmetric && trust.keys.iter().flat_map(texts_of).any(|text| self.verifies(&DecodingKey::from_secret(&text)))
    }

    fn is_signed_with(&self, key: &Jwk) -> bool {
        DecodingKey::from_jwk(key).is_ok_and(|key| self.verifies(&key))
    }

    fn verifies(&self, key: &DecodingKey) -> bool {
        let (Some(algorithm), Some(signature)) = (self.algorithm(), self.signature) else { return false };
        jsonwebtoken::crypto::verify(signature, self.signed.as_bytes(), key, algorithm).unwrap_or(false)
    }

    fn algorithm(&self) -> Option<Algorithm> {
        self.header.alg.as_deref()?.parse().ok()
    }
}

fn part<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// The texts in which a published key goes round: JWK, DER and PEM, this one with and without its last line end.
fn texts_of(published: &PublishedKey) -> Vec<Vec<u8>> {
    let mut texts = vec![published.text.to_string().into_bytes()];
    let AlgorithmParameters::EllipticCurve(point) = &published.key.algorithm else { return texts };
    // The members that RFC 7638 §3.2 counts, in its order.
    texts.push(format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, point.x, point.y).into_bytes());
    let (Ok(x), Ok(y)) = (URL_SAFE_NO_PAD.decode(&point.x), URL_SAFE_NO_PAD.decode(&point.y)) else { return texts };
    if point.curve == EllipticCurve::P256 {
        let der = [P256_PREFIX.as_slice(), &x, &y].concat();
        let encoded = STANDARD.encode(&der);
        let lines: Vec<String> =
            encoded.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into()).collect();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", lines.join("\n"));
        texts.push(format!("{pem}\n").into_bytes());
        texts.push(pem.into_bytes());
        texts.push(der);
    }
    texts
}
