//! Keys that the token chooses: it brings one along, points to one, or says where to look one up (RFC 8725 §3.10).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::held::hmac_signature;
use super::{BASE64URL, Materials, Parts, Signer, der};

/// In which form a token brings its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embedding {
    /// `jwk` (RFC 7515 §4.1.3).
    Jwk,
    /// `x5c` (RFC 7515 §4.1.6): a certificate that the attacker signed.
    X5c,
}

/// Whether the published `kid` stays in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyId {
    /// It stays.
    Kept,
    /// It goes.
    Dropped,
}

/// How a token points to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remote {
    /// `jku` (RFC 7515 §4.1.2) at the attacker's.
    Jku,
    /// The same, with the trusted host where a user name goes: `http://trusted@attacker`.
    JkuTrustedUser,
    /// The same as a `data:` URL, which needs no host.
    JkuData,
    /// `x5u` (RFC 7515 §4.1.5) at the attacker's.
    X5u,
}

/// What `kid` says instead of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// A path or a query, and the key that it yields: HS256 with that.
    File(&'static str, &'static str),
    /// A name that nobody has: signed by the attacker.
    Unknown,
    /// The empty name: signed by the attacker.
    Empty,
    /// The published name in a list: signed by the attacker.
    List,
}

pub(super) fn embedded(
    parts: &Parts<'_>,
    (embedding, key_id): (Embedding, KeyId),
    attacker: &dyn Signer,
) -> Result<String, String> {
    let certificate = certificate(attacker).ok_or("the attacker's key has no certificate")?;
    Ok(signed(parts, attacker, |header| {
        match embedding {
            Embedding::Jwk => header.insert("jwk".to_owned(), attacker.jwk()),
            Embedding::X5c => header.insert("x5c".to_owned(), json!([STANDARD.encode(&certificate)])),
        };
        if key_id == KeyId::Dropped {
            header.remove("kid");
        }
    }))
}

pub(super) fn remote(parts: &Parts<'_>, remote: Remote, materials: &Materials<'_>) -> Result<String, String> {
    let at = |path: &str| {
        let host = materials.host.ok_or("there is nowhere to publish a key")?;
        Ok::<String, String>(format!("{host}{path}"))
    };
    let (name, url) = match remote {
        Remote::Jku => ("jku", at("/jwks.json")?),
        Remote::JkuTrustedUser => ("jku", at("/jwks.json")?.replacen("://", &format!("://{}@", materials.trusted), 1)),
        Remote::JkuData => {
            let keys = key_set(parts, materials.attacker);
            ("jku", format!("data:application/json;base64,{}", STANDARD.encode(keys)))
        }
        Remote::X5u => ("x5u", at("/certificate.pem")?),
    };
    Ok(signed(parts, materials.attacker, |header| drop(header.insert(name.to_owned(), json!(url)))))
}

/// The attacker's key under the name of the published one.
fn key_set(parts: &Parts<'_>, attacker: &dyn Signer) -> String {
    let mut key = attacker.jwk();
    if let (Some(members), Some(name)) = (key.as_object_mut(), parts.header.get("kid")) {
        members.insert("kid".to_owned(), name.clone());
    }
    json!({"keys": [key]}).to_string()
}

pub(super) fn looked_up(parts: &Parts<'_>, lookup: Lookup, attacker: &dyn Signer) -> String {
    let set = |name: Value| signed(parts, attacker, |header| drop(header.insert("kid".to_owned(), name)));
    match lookup {
        Lookup::Unknown => set(json!("devenv-unknown")),
        Lookup::Empty => set(json!("")),
        Lookup::List => set(json!([parts.header.get("kid").cloned().unwrap_or_default()])),
        Lookup::File(path, content) => {
            let message = parts.with_header(|header| {
                header.insert("alg".to_owned(), json!("HS256"));
                header.insert("kid".to_owned(), json!(path));
            });
            let tag = hmac_signature("HS256", content.as_bytes(), &message).unwrap_or_default();
            format!("{message}.{}", BASE64URL.encode(tag))
        }
    }
}

/// Where nobody mints such a token, the attacker's own key takes the published one's name.
pub(super) fn other_key(parts: &Parts<'_>, attacker: &dyn Signer) -> Result<String, String> {
    if parts.algorithm().starts_with("HS") {
        return Err("there is no key pair: tokens are signed with a shared secret".to_owned());
    }
    Ok(signed(parts, attacker, |_| ()))
}

fn signed(parts: &Parts<'_>, attacker: &dyn Signer, change: impl FnOnce(&mut Map<String, Value>)) -> String {
    let message = parts.with_header(|header| {
        header.insert("alg".to_owned(), json!("ES256"));
        change(header);
    });
    format!("{message}.{}", BASE64URL.encode(attacker.sign(message.as_bytes())))
}

/// A certificate of the attacker's key that the attacker signed.
pub(crate) fn certificate(attacker: &dyn Signer) -> Option<Vec<u8>> {
    der::self_signed(&der::public_key(&attacker.jwk())?, |message| attacker.sign(message))
}
