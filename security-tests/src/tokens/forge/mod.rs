//! How each forgery is made from a valid token, the published keys and what the attacker has. Pure: keys, tokens and
//! time are arguments. Must not know operations or HTTP.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod bulk;
mod confused;
mod embedded;
mod encrypted;
mod held;
mod proof;
mod signature;
mod spelling;
mod unsigned;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Map, Value};

use super::catalogue::{Basis, Forgery};
use super::words::Guess;
use super::{Mint, der};

pub use bulk::Bulk;
pub use confused::PublicSecret;
pub(crate) use embedded::certificate;
pub use embedded::{Embedding, KeyId, Lookup, Remote};
pub(crate) use held::hmac_signature;
pub use held::{Doubled, Whose, mint_with};
pub use proof::{Proof, ProofOf, prove};
pub use signature::Damage;
pub use spelling::Spelling;
pub use unsigned::{Algorithm, Order, Tail};

/// What is done to a valid token.
#[derive(Clone, Copy, Debug)]
pub enum Make {
    /// An `alg` that means no signature, and what becomes of the old one.
    Unsigned(Algorithm, Tail),
    /// Two `alg`, one of which is `none`.
    Twice(Order),
    /// JSON around a good token of somebody else that reads, split at dots, as an unsigned one.
    Polyglot,
    /// An unsigned token, encrypted to the published key.
    Encrypted,
    /// Another signature under the same header.
    Signature(Damage),
    /// The same under `alg: ES256`, whatever it was before.
    EsZero(Damage),
    /// HMAC of this algorithm with something public as secret.
    Hmac(&'static str, PublicSecret),
    /// Signed by a key that the token itself brings, with or without the old `kid`.
    EmbeddedKey(Embedding, KeyId),
    /// Signed by a key that the token points to.
    RemoteKey(Remote),
    /// Signed by whatever key a careless lookup of `kid` gives.
    KeyLookup(Lookup),
    /// Another key under the published `kid`.
    OtherKey,
    /// Signed by the provider, with other claims or another header.
    Minted(fn(&Basis<'_>) -> Mint),
    /// Signed by the provider, with two subjects.
    DoubledSubject(Doubled),
    /// Signed with a shared secret that was guessed.
    Guessed(Whose),
    /// The same token, spelled in another way.
    Spelled(Spelling),
    /// Expensive to look at.
    Bulk(Bulk),
}

/// What a forgery is made of.
#[derive(Clone, Copy)]
pub struct Materials<'a> {
    /// A valid token of whom the forger pretends to be.
    pub token: &'a str,
    /// A valid token of somebody else.
    pub other: &'a str,
    /// The published keys, each as the text in the JWKS.
    pub published: &'a [String],
    /// The attacker's key.
    pub attacker: &'a dyn Signer,
    /// Where the attacker publishes that key, e.g. `http://127.0.0.1:4711`.
    pub host: Option<&'a str>,
    /// Host of the issuer, which a careless check of an URL may look for.
    pub trusted: &'a str,
    /// The shared secret, when it was guessed.
    pub guess: Option<&'a Guess>,
}

/// An ES256 key of the attacker.
pub trait Signer: Send + Sync {
    /// The public half.
    fn jwk(&self) -> Value;
    /// An ES256 signature (RFC 7518 §3.4).
    fn sign(&self, message: &[u8]) -> Vec<u8>;
}

/// Makes a forgery.
///
/// # Errors
/// When the token is no JWT, the published key has no such form, or only the provider can make it: then the forgery
/// makes no sense here.
pub fn forge(forgery: &Forgery, materials: &Materials<'_>) -> Result<String, String> {
    let Some(parts) = Parts::of(materials.token) else { return Err("the token is not a JWT".to_owned()) };
    match forgery.make {
        Make::Unsigned(algorithm, tail) => Ok(unsigned::unsigned(&parts, algorithm, tail)),
        Make::Twice(order) => Ok(unsigned::twice(&parts, order)),
        Make::Polyglot => unsigned::polyglot(&parts, materials.other),
        Make::Encrypted => encrypted::encrypted(&unsigned::plain(&parts), &parts, materials),
        Make::Signature(damage) => signature::damaged(&parts, damage, materials.other),
        Make::EsZero(damage) => signature::es256(&parts, damage),
        Make::Hmac(algorithm, secret) => confused::with_public_secret(&parts, (algorithm, secret), materials),
        Make::EmbeddedKey(embedding, key_id) => embedded::embedded(&parts, (embedding, key_id), materials.attacker),
        Make::RemoteKey(remote) => embedded::remote(&parts, remote, materials),
        Make::KeyLookup(lookup) => Ok(embedded::looked_up(&parts, lookup, materials.attacker)),
        Make::OtherKey => embedded::other_key(&parts, materials.attacker),
        Make::Guessed(whose) => held::guessed(&parts, whose, materials),
        Make::Spelled(spelling) => spelling::spelled(&parts, spelling),
        Make::Bulk(bulk) => bulk::bulk(&parts, bulk, materials),
        Make::Minted(_) | Make::DoubledSubject(_) => Err("only who has the signing key can make it".to_owned()),
    }
}

/// How the provider, or whoever has its key, makes those that need it.
#[must_use]
pub fn to_mint(forgery: &Forgery, basis: &Basis<'_>, other: &str) -> Option<Mint> {
    match forgery.make {
        Make::DoubledSubject(doubled) => {
            let other = Parts::of(other).and_then(|parts| Some(parts.claims()?.get("sub")?.as_str()?.to_owned()))?;
            let payload = held::doubled(basis, doubled, &other);
            Some(Mint { name: forgery.name, payload: Some(payload), ..Mint::default() })
        }
        _ => forgery.mint(basis),
    }
}

/// A JWS in compact form (RFC 7515 §7.1).
pub(crate) struct Parts<'a> {
    pub(crate) header: Map<String, Value>,
    pub(crate) head: &'a str,
    pub(crate) payload: &'a str,
    pub(crate) signature: &'a str,
}

impl<'a> Parts<'a> {
    pub(crate) fn of(token: &'a str) -> Option<Self> {
        let mut segments = token.split('.');
        let (head, payload, signature) = (segments.next()?, segments.next()?, segments.next()?);
        let header = serde_json::from_slice(&BASE64URL.decode(head).ok()?).ok()?;
        segments.next().is_none().then_some(Self { header, head, payload, signature })
    }

    pub(crate) fn claims(&self) -> Option<Map<String, Value>> {
        serde_json::from_slice(&BASE64URL.decode(self.payload).ok()?).ok()
    }

    pub(crate) fn algorithm(&self) -> &str {
        self.header.get("alg").and_then(Value::as_str).unwrap_or_default()
    }

    /// Header and payload, to be signed, with the header changed.
    fn with_header(&self, change: impl FnOnce(&mut Map<String, Value>)) -> String {
        let mut header = self.header.clone();
        change(&mut header);
        format!("{}.{}", encode_json(&header), self.payload)
    }
}

/// The published key that signed the token: the one of its `kid`, else the first.
fn published_key<'k>(parts: &Parts<'_>, published: &'k [String]) -> Result<(&'k str, Value), String> {
    let parsed = published.iter().filter_map(|text| Some((text.as_str(), serde_json::from_str::<Value>(text).ok()?)));
    let mut keys: Vec<(&str, Value)> = parsed.collect();
    let named = keys.iter().position(|(_, key)| key.get("kid") == parts.header.get("kid")).unwrap_or(0);
    if keys.is_empty() { Err("no key is published".to_owned()) } else { Ok(keys.swap_remove(named)) }
}

fn encode_json(members: &Map<String, Value>) -> String {
    BASE64URL.encode(Value::Object(members.clone()).to_string())
}

/// Thumbprint of an EC key (RFC 7638 §3): its members in lexical order, without white space.
pub(crate) fn thumbprint(jwk: &Value) -> String {
    let member = |name: &str| jwk.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let canonical = format!(r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#, member("crv"), member("x"), member("y"));
    BASE64URL.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, canonical.as_bytes()))
}
