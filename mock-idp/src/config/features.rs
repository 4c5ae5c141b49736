//! Settings of the protocols beyond the core. Each has a default that is safe and works.
//!
//! Must not know the protocols themselves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::jwk::JwkSet;
use crate::secret::Secret;

/// An API that tokens can be asked for by its identifier (RFC 8707), described for clients (RFC 9728).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// A name for people.
    #[serde(default)]
    pub name: Option<String>,
    /// Scopes that mean something to the resource; a token for it carries no other. Empty: all.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Whether the resource takes only DPoP-bound tokens (RFC 9728 §2 `dpop_bound_access_tokens_required`).
    #[serde(default)]
    pub dpop_bound_access_tokens_required: bool,
}

/// Proof of possession (RFC 9449).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dpop {
    /// Whether proofs must carry a nonce of the provider's (RFC 9449 §8).
    pub nonce: bool,
    /// Seconds during which a proof or a nonce is good.
    pub lifetime_seconds: u32,
}

impl Default for Dpop {
    fn default() -> Self {
        Self { nonce: false, lifetime_seconds: 60 }
    }
}

/// How long somebody is waited for elsewhere: device authorization (RFC 8628), backchannel authentication (CIBA).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeviceAuthorization {
    /// Seconds during which a person can answer and the answer be fetched.
    pub lifetime_seconds: u32,
    /// Seconds between two polls.
    pub interval_seconds: u32,
}

impl Default for DeviceAuthorization {
    fn default() -> Self {
        Self { lifetime_seconds: 600, interval_seconds: 5 }
    }
}

/// Somebody whose assertions about people are believed (RFC 7523 §2.1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedIssuer {
    /// The keys that the issuer signs with.
    pub jwks: JwkSet,
    /// The clients that may bring its assertions; empty: each with the grant.
    #[serde(default)]
    pub clients: Vec<String>,
}

/// Dynamic client registration (RFC 7591, RFC 7592). Without this there is none.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Initial access tokens by the name of their owner (RFC 7591 §3); the owner is written down with each client.
    #[serde(default)]
    pub initial_access_tokens: BTreeMap<String, Secret>,
    /// Whether everybody may register without a token.
    #[serde(default)]
    pub open: bool,
    /// Seconds until a registered client is gone, so that nobody has to clean up.
    #[serde(default = "a_day")]
    pub lifetime_seconds: u32,
    /// Scopes that a registered client may have.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// Clients that are described by a document at the URL that is their identifier.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientDocuments {
    /// Origins (`https://app.example`) from which documents are fetched; no other address is ever contacted.
    pub origins: Vec<String>,
    /// Seconds for which a fetched document is believed.
    #[serde(default = "five_minutes")]
    pub lifetime_seconds: u32,
    /// Scopes that such a client may have.
    #[serde(default)]
    pub scopes: Vec<String>,
}

fn a_day() -> u32 {
    24 * 3_600
}

fn five_minutes() -> u32 {
    300
}
