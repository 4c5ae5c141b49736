//! What a provider is made from: one plain value, no defaults hidden elsewhere.
//!
//! Must not know where the value came from (a file, `devenv`, a test) nor how the server is started.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// Everything that a provider needs to answer its first request.
///
/// The whole value is a secret file (mode 0400) when it is written down: it carries client secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Issuer identifier, an absolute URL without query or fragment (RFC 8414 §2). Every party must reach it.
    pub issuer: String,
    /// The cast, by user name. With a `directory`, the directory wins and this is what the login page shows when it is down.
    #[serde(default)]
    pub personas: BTreeMap<String, Persona>,
    /// Registered clients by `client_id` (RFC 6749 §2).
    #[serde(default)]
    pub clients: BTreeMap<String, Client>,
    /// How access tokens look and how long they live.
    #[serde(default)]
    pub access_token: AccessToken,
    /// Where people are looked up on each login, refresh and introspection; without it, `personas` is the directory.
    #[serde(default)]
    pub directory: Option<Directory>,
    /// The bearer token of the control API; without it, the control API does not exist.
    #[serde(default)]
    pub control_token: Option<Secret>,
    /// The signing key, PKCS#8 PEM (ES256, P-256); without it, one is made at start and lost at the end.
    #[serde(default)]
    pub signing_key: Option<Secret>,
}

/// Somebody who can log in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    /// The tenant the persona belongs to.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Role names.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Free attributes, given out as claims of the same name.
    #[serde(default)]
    pub attributes: BTreeMap<String, serde_json::Value>,
}

/// A registered client.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// The secret of a confidential client; a public client has none (RFC 6749 §2.1).
    #[serde(default)]
    pub secret: Option<Secret>,
    /// Redirect URIs, compared as exact strings (RFC 9700 §2.1).
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Grants that the client may use, as in `grant_types` of RFC 7591 §2.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// Scopes that the client may ask for.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// A way to get a token, by its `grant_type` name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// RFC 6749 §4.1, always with PKCE (RFC 7636).
    AuthorizationCode,
    /// RFC 6749 §4.4.
    ClientCredentials,
    /// RFC 6749 §6, with rotation.
    RefreshToken,
}

/// How access tokens look.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessToken {
    /// Self-contained or a reference.
    pub format: TokenFormat,
    /// Seconds until a token expires.
    pub lifetime_seconds: u64,
    /// The `aud` claim (RFC 9068 §2.2); without it, the issuer.
    pub audience: Option<String>,
}

impl Default for AccessToken {
    fn default() -> Self {
        Self { format: TokenFormat::Jwt, lifetime_seconds: 300, audience: None }
    }
}

/// The form of an access token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenFormat {
    /// A signed JWT with `typ: at+jwt` (RFC 9068).
    #[default]
    Jwt,
    /// A random reference, only good for introspection (RFC 7662).
    Opaque,
}

/// A SCIM 2.0 service provider (RFC 7644) that knows the people.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// Base URL, ending in `/scim/v2`.
    pub scim_url: String,
    /// Bearer token that may read users.
    pub token: Secret,
}
