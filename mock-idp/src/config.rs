//! What a provider is made from: one plain value, no defaults hidden elsewhere.
//!
//! Must not know where the value came from (a file, `devenv`, a test) nor how the server is started.

mod client;
mod features;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::Error;
use crate::jwk::JwkSet;
use crate::secret::Secret;

pub use client::{AuthMethod, Client, TokenExchange};
pub use features::{ClientDocuments, DeviceAuthorization, Dpop, Registration, Resource, TrustedIssuer};

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

    /// Refuses what no provider can be made from.
    ///
    /// # Errors
    /// The first thing that is impossible, in words.
    pub fn check(&self) -> Result<(), Error> {
        check_issuer(&self.issuer)?;
        if self.control_token.as_ref().is_some_and(|token| token.expose().len() < 16) {
            return Err(wrong("`control_token` has fewer than 16 characters and can be guessed"));
        }
        for (id, client) in &self.clients {
            if let Some(problem) = client.problem() {
                return Err(wrong(format!("the client `{id}` {problem}")));
            }
            if let Some(problem) = client.jwks.as_ref().and_then(JwkSet::problem) {
                return Err(wrong(format!("a key of the client `{id}` cannot be used: {problem}")));
            }
            for uri in &client.redirect_uris {
                check_redirect_uri(uri)
                    .map_err(|problem| wrong(format!("the redirect URI `{uri}` of the client `{id}` {problem}")))?;
            }
        }
        self.check_features()
    }

    fn check_features(&self) -> Result<(), Error> {
        for id in self.resources.keys() {
            // RFC 8707 §2: an absolute URI without a fragment.
            if Url::parse(id).map_or(true, |url| url.fragment().is_some()) {
                return Err(wrong(format!("the resource `{id}` must be an absolute URI without fragment")));
            }
        }
        for (id, trusted) in &self.trusted_issuers {
            if let Some(problem) = trusted.jwks.problem() {
                return Err(wrong(format!("a key of the trusted issuer `{id}` cannot be used: {problem}")));
            }
        }
        for origin in self.client_documents.iter().flat_map(|documents| &documents.origins) {
            if Url::parse(origin).map_or(true, |url| url.origin().ascii_serialization() != *origin) {
                let problem = "must be an origin such as `https://app.example`, nothing after it";
                return Err(wrong(format!("`{origin}` in `client_documents.origins` {problem}")));
            }
        }
        match &self.registration {
            Some(registration) if !registration.open && registration.initial_access_tokens.is_empty() => {
                Err(wrong("`registration` lets nobody in: name `initial_access_tokens`, or say `open: true`"))
            }
            Some(registration)
                if registration.initial_access_tokens.values().any(|token| token.expose().len() < 16) =>
            {
                Err(wrong("an initial access token has fewer than 16 characters and can be guessed"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// The message with its place, without the snippet of the text: the text carries secrets.
fn syntax_problem(error: &serde_saphyr::Error) -> String {
    error.without_snippet().to_string()
}

/// RFC 8414 §2, and no path: one provider, one origin.
fn check_issuer(issuer: &str) -> Result<(), Error> {
    let url = Url::parse(issuer).map_err(|error| wrong(format!("the issuer `{issuer}` is not a URL: {error}")))?;
    let plain =
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    if matches!(url.scheme(), "http" | "https") && plain && url.path() == "/" {
        return Ok(());
    }
    Err(wrong(format!("the issuer `{issuer}` must be `http://host:port` or `https://host:port` and nothing after it")))
}

/// RFC 6749 §3.1.2: absolute, no fragment. `javascript:` and `data:` would run in the page that redirects.
pub(crate) fn check_redirect_uri(uri: &str) -> Result<(), &'static str> {
    let url = Url::parse(uri).map_err(|_| "is not an absolute URI")?;
    if url.fragment().is_some() {
        return Err("has a fragment");
    }
    if matches!(url.scheme(), "javascript" | "data" | "vbscript" | "blob" | "file" | "about") {
        return Err("has a scheme that a browser would run or open");
    }
    if !uri.bytes().all(|byte| byte.is_ascii_graphic()) || uri.contains('*') {
        return Err(
            "has a character that no URI has, or a wildcard, which is not supported: URIs are compared exactly",
        );
    }
    Ok(())
}

fn wrong(problem: impl Into<String>) -> Error {
    Error::Config(problem.into())
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
}

impl Grant {
    /// Every grant that works here.
    pub(crate) const ALL: [Self; 6] = [
        Self::AuthorizationCode,
        Self::ClientCredentials,
        Self::RefreshToken,
        Self::DeviceCode,
        Self::TokenExchange,
        Self::JwtBearer,
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

    fn problem(text: &str) -> String {
        Config::parse(text).map(|_| "none".to_owned()).unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn yaml_and_json_give_the_same_provider() {
        let yaml = "issuer: http://localhost:9400\npersonas:\n  alice: { tenant: acme, roles: [customer] }\n";
        let json =
            r#"{"issuer": "http://localhost:9400", "personas": {"alice": {"tenant": "acme", "roles": ["customer"]}}}"#;
        let personas = |text| Config::parse(text).unwrap().personas;
        assert_eq!(personas(yaml), personas(json));
    }

    #[test]
    fn an_impossible_configuration_is_refused_with_what_is_wrong() {
        let client = |uri: &str| format!("issuer: http://h\nclients: {{ web: {{ redirect_uris: ['{uri}'] }} }}");
        for (text, expected) in [
            ("issuer: h".to_owned(), "not a URL"),
            ("issuer: http://h/path".to_owned(), "nothing after it"),
            ("issuer: http://h?q=1".to_owned(), "nothing after it"),
            ("issuer: http://h\ncontrol_token: short".to_owned(), "can be guessed"),
            (client("/callback"), "absolute"),
            (client("http://a/#b"), "fragment"),
            (client("javascript:alert(1)"), "scheme"),
            (client("http://a/*"), "wildcard"),
            ("issuer: http://h\nclients: { web: { secret: '' } }".to_owned(), "empty secret"),
            ("issuer: http://h\nissuers: 1".to_owned(), "issuers"),
        ] {
            assert!(problem(&text).contains(expected), "{text}: {}", problem(&text));
        }
    }

    #[test]
    fn a_syntax_error_does_not_show_the_secrets_around_it() {
        let text = "issuer: http://h\ncontrol_token: hunter2hunter2hunter2\nclients: 5\n";
        let message = problem(text);
        assert!(message.contains("cannot be read") && !message.contains("hunter2"), "{message}");
    }
}
