//! Proof that the sender holds a private key (RFC 9449 §4.3, in its order). Must not know tokens or headers.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value};
use url::Url;

use super::assertion::crowded;
use super::nonce::Nonces;
use crate::error::{Code, Refused};
use crate::jwk::{ALGORITHMS, PublicKey};
use crate::jws;
use crate::store::{Key, Kind, Seen, Sight};

const CLAUSE: &str = "RFC 9449 section 4.3";
/// How far the clock of the client may be ahead.
const SKEW: i64 = 5;
/// Longer identifiers are not ones.
const MAX_ID: usize = 256;

/// The request that the proof must be about.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: &'a str,
    /// The access token that comes with the proof, where it comes with one.
    pub(crate) access_token: Option<&'a str>,
}

/// What the provider asks of proofs.
pub(crate) struct Policy<'a> {
    /// Where proofs need a nonce.
    pub(crate) nonces: Option<&'a Nonces>,
    pub(crate) lifetime: i64,
    pub(crate) seen: &'a Seen,
    pub(crate) now: i64,
}

/// The thumbprint of the key that the sender holds (RFC 9449 §6.1 `jkt`).
pub(crate) fn check(proof: &str, request: Request<'_>, policy: &Policy<'_>) -> Result<Arc<str>, Refused> {
    let compact = jws::parse(proof).ok_or_else(|| refused("is not a signed JWT (three parts in base64url)"))?;
    if compact.header.typ.as_deref() != Some("dpop+jwt") {
        return Err(refused("must have the header `typ` with the value `dpop+jwt`"));
    }
    let algorithm = compact.header.alg.as_str();
    if !ALGORITHMS.contains(&algorithm) {
        return Err(refused(format!("is signed with `{algorithm}`; accepted is {}", ALGORITHMS.join(", "))));
    }
    if compact.header.crit.is_some() {
        return Err(refused("has critical extensions (`crit`), of which none is understood"));
    }
    let key = public_key(compact.signing_input)?;
    if !key.verifies(algorithm, compact.signing_input.as_bytes(), &compact.signature) {
        return Err(refused("is not signed with the key in its own header"));
    }
    let claims: Map<String, Value> =
        serde_json::from_slice(&compact.payload).map_err(|_| refused("has claims that are no JSON object"))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    check_request(&claims, request)?;
    check_nonce(text("nonce"), policy)?;
    let thumbprint = key.thumbprint();
    let id = text("jti").filter(|id| !id.is_empty() && id.len() <= MAX_ID);
    let id = id.ok_or_else(|| refused("has no `jti`, so its reuse could not be noticed"))?;
    let issued = claims.get("iat").and_then(Value::as_i64).ok_or_else(|| refused("has no `iat`"))?;
    if issued > policy.now + SKEW {
        return Err(refused("comes from the future: compare the clocks"));
    }
    let expires = issued.saturating_add(policy.lifetime);
    if expires <= policy.now {
        return Err(refused(format!("is older than {} seconds: make a fresh one for each request", policy.lifetime)));
    }
    // RFC 9449 §11.1: stops whoever saw the request from sending it again.
    match policy.seen.look(Key::of(Kind::Proof, &format!("{thumbprint} {id}")), expires, policy.now) {
        Sight::First => Ok(Arc::from(thumbprint)),
        Sight::Again => Err(refused("was used before; make a fresh one with its own `jti` for each request")),
        Sight::Full => Err(crowded()),
    }
}

fn public_key(signing_input: &str) -> Result<PublicKey, Refused> {
    let header = signing_input.split('.').next().and_then(jws::decode).unwrap_or_default();
    let header: Map<String, Value> =
        serde_json::from_slice(&header).map_err(|_| refused("has a header that is no JSON object"))?;
    let jwk = header.get("jwk").and_then(Value::as_object).ok_or_else(|| refused("has no `jwk` in its header"))?;
    PublicKey::from_jwk(jwk).map_err(|problem| refused(format!("has a `jwk` that cannot be used: {problem}")))
}

fn check_request(claims: &Map<String, Value>, request: Request<'_>) -> Result<(), Refused> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("htm") != Some(request.method) {
        return Err(refused(format!("is for another method: `htm` must be `{}`", request.method)));
    }
    if !text("htu").is_some_and(|url| same_target(url, request.url)) {
        return Err(refused(format!("is for another address: `htu` must be `{}`", request.url)));
    }
    let Some(access_token) = request.access_token else { return Ok(()) };
    let expected = jws::encode(digest(&SHA256, access_token.as_bytes()));
    if text("ath") != Some(expected.as_str()) {
        return Err(refused("is for another access token: `ath` must be the SHA-256 of the token in base64url"));
    }
    Ok(())
}

/// Without query and fragment, normalised as RFC 3986 §6.2.2 has it.
fn same_target(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin() == other.origin() && one.path() == other.path(),
        _ => false,
    }
}

fn check_nonce(nonce: Option<&str>, policy: &Policy<'_>) -> Result<(), Refused> {
    match (policy.nonces, nonce) {
        (None, _) => Ok(()),
        (Some(nonces), Some(nonce)) if nonces.is_good(nonce, policy.now) => Ok(()),
        (Some(_), _) => Err(Refused::new(
            Code::UseDpopNonce,
            "RFC 9449 section 8",
            "the proof needs the nonce of the `DPoP-Nonce` header of this answer; take it and try again",
        )),
    }
}

fn refused(reason: impl std::fmt::Display) -> Refused {
    Refused::new(Code::InvalidDpopProof, CLAUSE, format!("the DPoP proof {reason}"))
}
