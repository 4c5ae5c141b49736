//! What a provider is made from: one plain value, no defaults hidden elsewhere.
//!
//! Must not know where the value came from (a file, `devenv`, a test) nor how the server is started.

mod behaviour;
mod check;
mod client;
mod features;
mod keys;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::Error;
use crate::secret::Secret;

pub use behaviour::{ClaimTarget, LegacyFlow, Login, Mode, Tls};
pub(crate) use check::{check_client, check_redirect_uri};
pub use client::{AuthMethod, Client, TokenExchange};
pub use features::{ClientDocuments, DeviceAuthorization, Dpop, Registration, Resource, TrustedIssuer};
pub use keys::{GivenKey, Keys};

/// Everything that a provider needs to answer its first request.
///
/// The whole value is a secret file (mode 0400) when it is written down: it carries client secrets.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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
    /// How refresh tokens are rotated.
    #[serde(default)]
    pub refresh_token: RefreshToken,
    /// Where people are looked up on each login, refresh and introspection; without it, `personas` is the directory.
    #[serde(default)]
    pub directory: Option<Directory>,
    /// The bearer token of the control API; without it, the control API does not exist.
    #[serde(default)]
    pub control_token: Option<Secret>,
    /// The signing key, PKCS#8 PEM (ES256, P-256); without it, one is made at start and lost at the end.
    #[serde(default)]
    pub signing_key: Option<Secret>,
    /// The name under which other services of the stack reach this one; the control API accepts it as `Host`.
    #[serde(default)]
    pub service_name: Option<String>,
    /// APIs by their identifier, an absolute URI (RFC 8707).
    #[serde(default)]
    pub resources: BTreeMap<String, Resource>,
    /// Whether every authorization request must be pushed (RFC 9126 §5).
    #[serde(default)]
    pub require_pushed_authorization_requests: bool,
    /// Whether every authorization request must be signed (RFC 9101 §10.5).
    #[serde(default)]
    pub require_signed_request_object: bool,
    /// Proof of possession (RFC 9449).
    #[serde(default)]
    pub dpop: Dpop,
    /// Device authorization (RFC 8628).
    #[serde(default)]
    pub device_authorization: DeviceAuthorization,
    /// Logins that a client begins without a browser (OpenID Connect CIBA Core §7).
    #[serde(default)]
    pub backchannel_authentication: DeviceAuthorization,
    /// Whose assertions about people are believed, by issuer identifier (RFC 7523 §2.1).
    #[serde(default)]
    pub trusted_issuers: BTreeMap<String, TrustedIssuer>,
    /// Dynamic client registration (RFC 7591); without it, there is none.
    #[serde(default)]
    pub registration: Option<Registration>,
    /// Clients described by a document at their own URL; without it, there are none.
    #[serde(default)]
    pub client_documents: Option<ClientDocuments>,
    /// Authentication context classes that a login can reach, weakest first (OpenID Connect Core §2 `acr`).
    #[serde(default)]
    pub acr_values: Vec<String>,
    /// Types of `authorization_details` that clients may ask for (RFC 9396 §5.1).
    #[serde(default)]
    pub authorization_details_types: Vec<String>,
    /// Which keys sign.
    #[serde(default)]
    pub keys: Keys,
    /// Strict by default; what `permissive` lets through is recorded as a finding.
    #[serde(default)]
    pub mode: Mode,
    /// Flows of the past that are switched on, for teaching; each use is a finding in every mode.
    #[serde(default)]
    pub legacy_flows: BTreeSet<LegacyFlow>,
    /// What a person is asked for at a login besides who they are.
    #[serde(default)]
    pub login: Login,
    /// Where a person's claim is told, by its name; one that is not listed is told in ID token and `UserInfo`.
    #[serde(default)]
    pub claims: BTreeMap<String, Vec<ClaimTarget>>,
    /// Serves HTTPS instead of HTTP.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// Further issuers of the same origin, told apart by their paths. What one leaves out of `directory`, `control_token`,
    /// `service_name` and `personas` is as in this one.
    #[serde(default)]
    pub issuers: Vec<Config>,
}

impl Config {
    /// Reads YAML or JSON (which is YAML) and checks it.
    ///
    /// # Errors
    /// When the text has the wrong shape or says something impossible.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let config: Self = serde_saphyr::from_str(text).map_err(|error| Error::ConfigSyntax(syntax_problem(&error)))?;
        config.check()?;
        Ok(config)
    }

    /// The path of the issuer, without a slash at its end; empty for a bare origin.
    pub(crate) fn base_path(&self) -> String {
        Url::parse(&self.issuer).map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default()
    }

    /// An issuer beside `first`, with what it leaves out.
    pub(crate) fn inheriting(mut self, first: &Self) -> Self {
        self.directory = self.directory.or_else(|| first.directory.clone());
        self.control_token = self.control_token.or_else(|| first.control_token.clone());
        self.service_name = self.service_name.or_else(|| first.service_name.clone());
        if self.personas.is_empty() {
            self.personas.clone_from(&first.personas);
        }
        self
    }
}

/// The message with its place, without the snippet of the text: the text carries secrets.
fn syntax_problem(error: &serde_saphyr::Error) -> String {
    error.without_snippet().to_string()
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

/// A way to get a token. Grants of extensions have a short name here and their `grant_type` URN as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Grant {
    /// RFC 6749 §4.1, always with PKCE (RFC 7636).
    #[serde(rename = "authorization_code")]
    AuthorizationCode,
    /// RFC 6749 §4.4.
    #[serde(rename = "client_credentials")]
    ClientCredentials,
    /// RFC 6749 §6, with rotation.
    #[serde(rename = "refresh_token")]
    RefreshToken,
    /// RFC 8628 §3.4.
    #[serde(rename = "device_code", alias = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
    /// RFC 8693 §2.1.
    #[serde(rename = "token_exchange", alias = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
    /// RFC 7523 §2.1.
    #[serde(rename = "jwt_bearer", alias = "urn:ietf:params:oauth:grant-type:jwt-bearer")]
    JwtBearer,
    /// OpenID Connect CIBA Core §10.1, where the client polls.
    #[serde(rename = "ciba", alias = "urn:openid:params:grant-type:ciba")]
    Ciba,
    /// RFC 6749 §4.2; only with `legacy_flows`.
    #[serde(rename = "implicit")]
    Implicit,
    /// RFC 6749 §4.3; only with `legacy_flows`.
    #[serde(rename = "password")]
    Password,
}

impl Grant {
    /// Every grant that works here without further ado.
    pub(crate) const ALL: [Self; 7] = [
        Self::AuthorizationCode,
        Self::ClientCredentials,
        Self::RefreshToken,
        Self::DeviceCode,
        Self::TokenExchange,
        Self::JwtBearer,
        Self::Ciba,
    ];

    /// The value of `grant_type` that asks for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::ClientCredentials => "client_credentials",
            Self::RefreshToken => "refresh_token",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::Ciba => "urn:openid:params:grant-type:ciba",
            Self::Implicit => "implicit",
            Self::Password => "password",
        }
    }

    /// The grant that a `grant_type` names.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == name)
    }
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

/// How refresh tokens are rotated (RFC 9700 §4.14.2).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RefreshToken {
    /// Seconds, at most 60, during which a used refresh token is taken once more, for clients that lose an answer or ask
    /// twice at a time. Without it, the second use ends the whole family.
    pub grace_seconds: u32,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_and_json_give_the_same_provider() {
        let yaml = "issuer: http://localhost:9400\npersonas:\n  alice: { tenant: acme, roles: [customer] }\n";
        let json =
            r#"{"issuer": "http://localhost:9400", "personas": {"alice": {"tenant": "acme", "roles": ["customer"]}}}"#;
        let personas = |text| Config::parse(text).unwrap().personas;
        assert_eq!(personas(yaml), personas(json));
    }

    #[test]
    fn a_syntax_error_does_not_show_the_secrets_around_it() {
        let text = "issuer: http://h\ncontrol_token: hunter2hunter2hunter2\nclients: 5\n";
        let message = Config::parse(text).unwrap_err().to_string();
        assert!(message.contains("cannot be read") && !message.contains("hunter2"), "{message}");
    }
}
