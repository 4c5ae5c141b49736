//! The catalogue of tokens that a sound verifier refuses, as data: what each is called, what its acceptance means, where
//! it comes from, and how it is made. Must not know operations or HTTP.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod claims;
mod hardening;
mod keys;
mod profile;
mod requests;
mod signature;

use serde_json::{Map, Value};

use super::Mint;
use super::forge::Make;
use crate::verdict::Tier;

pub use requests::{Good, Oddity, Place, Respelling, SHAPES, Shape};

/// One token that should be refused.
#[derive(Clone, Copy, Debug)]
pub struct Forgery {
    /// Stable name, part of case ids.
    pub name: &'static str,
    /// What its acceptance means.
    pub tier: Tier,
    /// The check that it belongs to.
    pub check: &'static str,
    /// RFC section, CVE, or both.
    pub source: &'static str,
    /// What a sound verifier refuses it for.
    pub refused_for: Refusal,
    /// Whether it is tried on every operation.
    pub canary: bool,
    /// Sound verifiers accept it too: sent only when hardening is asked for.
    pub quiet: bool,
    /// How it is made.
    pub make: Make,
}

/// What a sound verifier refuses a token for: the first thing wrong with it, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// It is larger or deeper than any honest token.
    Size,
    /// It is not three base64url parts, the first two of which are JSON objects (RFC 7515 §5.2).
    Form,
    /// A member occurs twice (RFC 7515 §4, RFC 7519 §4).
    Duplicate,
    /// `alg` is not the one that was agreed on (RFC 8725 §3.1).
    Algorithm,
    /// `crit` names something that is not understood (RFC 7515 §4.1.11).
    Critical,
    /// `kid` names no published key (RFC 7515 §4.1.4).
    Key,
    /// The signature is not that of the published key (RFC 7515 §5.2).
    Signature,
    /// It is a token of another kind (RFC 8725 §3.11, RFC 9068 §4).
    Kind,
    /// `iss` is somebody else (RFC 7519 §4.1.1).
    Issuer,
    /// `aud` is somebody else (RFC 7519 §4.1.3).
    Audience,
    /// `exp` has passed, or is no time (RFC 7519 §4.1.4).
    Expired,
    /// `nbf` or `iat` is to come (RFC 7519 §4.1.5).
    Premature,
    /// `sub` is nobody (RFC 7519 §4.1.2, RFC 8725 §3.8).
    Subject,
    /// It is bound to a key that the caller did not show (RFC 7800, RFC 8705, RFC 9449).
    Binding,
    /// The user did not authenticate as strongly or as recently as asked (RFC 9470).
    Authentication,
    /// The directory does not give what its claims say.
    Authority,
}

/// What the provider knows when it mints a token that is wrong on purpose.
pub struct Basis<'a> {
    /// Header of a valid token.
    pub header: &'a Map<String, Value>,
    /// Claims of a valid token.
    pub claims: &'a Map<String, Value>,
    /// Thumbprint (RFC 7638) of the key that the caller could prove to have.
    pub thumbprint: &'a str,
    /// Seconds since 1970.
    pub now: i64,
}

impl Basis<'_> {
    /// The subject of the valid token.
    pub(super) fn subject(&self) -> &str {
        self.claims.get("sub").and_then(Value::as_str).unwrap_or_default()
    }
}

/// All families, in the order of their checks.
static FAMILIES: [&[Forgery]; 10] = [
    signature::UNSIGNED,
    signature::IGNORED,
    keys::CONFUSION,
    keys::EMBEDDED,
    keys::REMOTE,
    keys::LOOKUP,
    keys::WEAK,
    claims::CLAIMS,
    profile::PROFILE,
    hardening::HARDENING,
];

/// The whole catalogue.
pub fn catalogue() -> impl Iterator<Item = &'static Forgery> {
    FAMILIES.iter().copied().flatten()
}

/// One entry by name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Forgery> {
    catalogue().find(|forgery| forgery.name == name)
}

/// What the entries of a family have in common.
#[derive(Clone, Copy)]
struct Family {
    check: &'static str,
    tier: Tier,
    source: &'static str,
    refused_for: Refusal,
}

impl Family {
    const fn entry(self, name: &'static str, make: Make) -> Forgery {
        let Family { check, tier, source, refused_for } = self;
        Forgery { name, tier, check, source, refused_for, canary: false, quiet: false, make }
    }

    /// An entry with a source of its own.
    const fn known(self, name: &'static str, source: &'static str, make: Make) -> Forgery {
        Family { source, ..self }.entry(name, make)
    }

    const fn refused_for(self, refused_for: Refusal) -> Self {
        Family { refused_for, ..self }
    }
}

impl Forgery {
    /// The same, tried on every operation.
    const fn canary(self) -> Self {
        Self { canary: true, ..self }
    }

    /// The same, sent only when hardening is asked for.
    const fn quiet(self) -> Self {
        Self { quiet: true, ..self }
    }

    /// How the provider mints it, for those that only the provider can make.
    #[must_use]
    pub fn mint(&self, basis: &Basis<'_>) -> Option<Mint> {
        let mint = match self.make {
            Make::OtherKey => Mint { other_key: true, ..Mint::default() },
            Make::Minted(change) => change(basis),
            _ => return None,
        };
        Some(Mint { name: self.name, ..mint })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_entry_has_its_own_name_a_check_of_its_tier_and_a_source() {
        let names: BTreeSet<&str> = catalogue().map(|forgery| forgery.name).collect();
        assert_eq!(names.len(), catalogue().count());
        for forgery in catalogue() {
            let check = crate::checks::by_id(forgery.check).unwrap();
            assert_eq!(check.tier, forgery.tier, "{}", forgery.name);
            assert!(forgery.source.contains("RFC ") || forgery.source.contains("CVE-"), "{}", forgery.name);
        }
    }

    #[test]
    fn six_canaries_watch_every_operation() {
        let canaries: Vec<&str> = catalogue().filter(|forgery| forgery.canary).map(|forgery| forgery.name).collect();
        let expected = ["alg-none", "signature-bit-flipped", "other-key", "hs256-pem", "jwk-header", "expired"];
        assert_eq!(canaries, expected);
    }
}
