//! The compact form of a signed JWT, taken apart (RFC 7515 §3.1).
//!
//! Must not know any key: what comes out of here is unverified.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// The header parameters that decide anything here. Keys that a header carries or points to (`jwk`, `jku`, `x5c`, `x5u`)
/// are not even read: believing them lets an attacker bring the key along.
#[derive(Debug, Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: String,
    pub(crate) typ: Option<String>,
    pub(crate) kid: Option<String>,
    /// Extensions that must be understood (RFC 7515 §4.1.11); none is.
    pub(crate) crit: Option<serde_json::Value>,
}

/// A token in its three parts.
#[derive(Debug)]
pub(crate) struct Compact<'a> {
    /// What the signature covers: both encoded parts with the dot between.
    pub(crate) signing_input: &'a str,
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

/// Takes a compact JWS apart; `None` for anything that is not exactly one.
pub(crate) fn parse(token: &str) -> Option<Compact<'_>> {
    let (signing_input, signature) = token.rsplit_once('.')?;
    let (header, payload) = signing_input.split_once('.')?;
    if payload.contains('.') {
        return None;
    }
    Some(Compact {
        signing_input,
        header: serde_json::from_slice(&decode(header)?).ok()?,
        payload: decode(payload)?,
        signature: decode(signature)?,
    })
}

/// Base64url without padding (RFC 7515 §2).
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Refuses padding and stray bits, so that one token has one spelling.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
