//! Tokens by whoever has the signing key: guessed, or given by the team. Only shared secrets (HMAC) can be had so.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use aws_lc_rs::hmac;
use base64::Engine;
use serde_json::{Map, Value, json};

use super::{BASE64URL, Basis, Materials, Mint, Parts, encode_json};

/// Whose name a token with a guessed key carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The same claims, signed anew.
    Own,
    /// The claims of somebody else's token, with this subject.
    Others,
}

/// Which of two `sub` is whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubled {
    /// The token's own subject comes first.
    OwnFirst,
    /// It comes last.
    OwnLast,
}

/// HMAC as `alg` names it (RFC 7518 §3.2); nothing for other algorithms.
pub(crate) fn hmac_signature(algorithm: &str, secret: &[u8], message: &str) -> Option<Vec<u8>> {
    let algorithm = match algorithm {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        _ => return None,
    };
    Some(hmac::sign(&hmac::Key::new(algorithm, secret), message.as_bytes()).as_ref().to_vec())
}

/// A token as `mint` orders it, signed with a shared secret.
///
/// # Errors
/// When the token is not signed with a shared secret.
pub fn mint_with(secret: &[u8], token: &str, mint: &Mint, now: i64) -> Result<String, String> {
    let parts = Parts::of(token).ok_or("the token is not a JWT")?;
    let mut claims = parts.claims().ok_or("the token has no claims")?;
    if let Some(lifetime) = mint.lifetime_seconds {
        claims.insert("exp".to_owned(), json!(now + lifetime));
        // Its age is its one defect.
        let iat = claims.get("iat").and_then(Value::as_i64).filter(|iat| *iat < now + lifetime);
        claims.insert("iat".to_owned(), json!(iat.unwrap_or(now.min(now + lifetime) - 300)));
    }
    let header = overridden(parts.header, &mint.header);
    let payload = match &mint.payload {
        Some(text) => BASE64URL.encode(text),
        None => encode_json(&overridden(claims, &mint.claims)),
    };
    sign(secret, &header, &payload)
}

pub(super) fn guessed(parts: &Parts<'_>, whose: Whose, materials: &Materials<'_>) -> Result<String, String> {
    let guess = materials.guess.ok_or("no key was guessed")?;
    let payload = match whose {
        Whose::Own => parts.payload.to_owned(),
        Whose::Others => {
            let others = Parts::of(materials.other).and_then(|other| other.claims());
            let (mut claims, own) = others.zip(parts.claims()).ok_or("there is no second token")?;
            let same = claims.clone();
            // Whatever names the subject is taken over; the rest is the attacker's own token.
            for name in ["sub", "username", "user", "user_id", "userId", "id", "email", "preferred_username"] {
                if let Some(value) = own.get(name) {
                    claims.insert(name.to_owned(), value.clone());
                }
            }
            if claims == same {
                return Err("the tokens do not differ in their subject".to_owned());
            }
            encode_json(&claims)
        }
    };
    sign(guess.key(), &parts.header, &payload)
}

/// The claims as text, with `sub` twice.
pub(super) fn doubled(basis: &Basis<'_>, doubled: Doubled, other: &str) -> String {
    let mut rest = basis.claims.clone();
    let own = rest.remove("sub").unwrap_or_default();
    let other = json!(other);
    let (first, last) = if doubled == Doubled::OwnFirst { (own, other) } else { (other, own) };
    let rest = Value::Object(rest).to_string();
    let middle = rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    let comma = if middle.is_empty() { "" } else { "," };
    format!(r#"{{"sub":{first},{middle}{comma}"sub":{last}}}"#)
}

fn sign(secret: &[u8], header: &Map<String, Value>, payload: &str) -> Result<String, String> {
    let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or_default();
    let message = format!("{}.{payload}", encode_json(header));
    let tag = hmac_signature(algorithm, secret, &message)
        .ok_or_else(|| format!("the token is signed with {algorithm}, not with a shared secret"))?;
    Ok(format!("{message}.{}", BASE64URL.encode(tag)))
}

/// Members set over the usual ones; `null` removes.
fn overridden(mut usual: Map<String, Value>, over: &Map<String, Value>) -> Map<String, Value> {
    for (name, value) in over {
        if value.is_null() {
            usual.remove(name);
        } else {
            usual.insert(name.clone(), value.clone());
        }
    }
    usual
}
