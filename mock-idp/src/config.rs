//! What a provider is made from: one plain value, no defaults hidden elsewhere.
//!
//! Must not know where the value came from (a file, `devenv`, a test) nor how the server is started.

mod behaviour;
mod keys;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::Error;
use crate::keys::Algorithm;
use crate::secret::Secret;

pub use behaviour::{ClaimTarget, Login, Mode, Tls};
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
    /// Which keys sign.
    #[serde(default)]
    pub keys: Keys,
    /// Strict by default; what `permissive` lets through is recorded as a finding.
    #[serde(default)]
    pub mode: Mode,
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

    /// Refuses what no provider can be made from.
    pub(crate) fn check(&self) -> Result<(), Error> {
        check_issuer(&self.issuer)?;
        self.check_issuers()?;
        if self.control_token.as_ref().is_some_and(|token| token.expose().len() < 16) {
            return Err(wrong("`control_token` has fewer than 16 characters and can be guessed"));
        }
        for (id, client) in &self.clients {
            if client.secret.as_ref().is_some_and(|secret| secret.expose().is_empty()) {
                return Err(wrong(format!("the client `{id}` has an empty secret; leave it out for a public client")));
            }
            for uri in &client.redirect_uris {
                check_redirect_uri(uri)
                    .map_err(|problem| wrong(format!("the redirect URI `{uri}` of the client `{id}` {problem}")))?;
            }
            let logout = [&client.backchannel_logout_uri, &client.frontchannel_logout_uri];
            for uri in client.post_logout_redirect_uris.iter().chain(logout.into_iter().flatten()) {
                check_redirect_uri(uri)
                    .map_err(|problem| wrong(format!("the logout URI `{uri}` of the client `{id}` {problem}")))?;
            }
        }
        if self.tls.is_some() && !self.issuer.starts_with("https://") {
            return Err(wrong(format!("with `tls` the issuer is `https://…`, not `{}`", self.issuer)));
        }
        Ok(())
    }

    /// Issuers of one process have one origin, and no path begins another.
    fn check_issuers(&self) -> Result<(), Error> {
        let origin = |issuer: &str| Url::parse(issuer).map(|url| url.origin().ascii_serialization()).ok();
        let mut paths = vec![self.base_path()];
        for issuer in &self.issuers {
            issuer.check()?;
            if !issuer.issuers.is_empty() || issuer.tls.is_some() {
                return Err(wrong("`issuers` and `tls` belong to the first issuer only"));
            }
            if origin(&issuer.issuer) != origin(&self.issuer) {
                return Err(wrong(format!("the issuer `{}` has another origin than the first one", issuer.issuer)));
            }
            let path = issuer.base_path();
            let first = path.split('/').nth(1).unwrap_or_default();
            if RESERVED_PATHS.contains(&first) {
                return Err(wrong(format!("the issuer `{}` has a path that the provider uses itself", issuer.issuer)));
            }
            if paths.contains(&path) {
                return Err(wrong(format!("the path of the issuer `{}` is taken by another one", issuer.issuer)));
            }
            paths.push(path);
        }
        Ok(())
    }
}

/// What an issuer's path cannot begin with, because the first issuer has something there.
const RESERVED_PATHS: [&str; 18] = [
    "",
    ".well-known",
    "authorize",
    "confirm",
    "control",
    "device",
    "device_authorization",
    "end_session",
    "health",
    "introspect",
    "journal",
    "jwks",
    "login",
    "par",
    "register",
    "revoke",
    "token",
    "userinfo",
];

/// The message with its place, without the snippet of the text: the text carries secrets.
fn syntax_problem(error: &serde_saphyr::Error) -> String {
    error.without_snippet().to_string()
}

/// RFC 8414 §2. A path tells issuers of one origin apart; a slash at the end is kept, because some clients compare it.
fn check_issuer(issuer: &str) -> Result<(), Error> {
    let url = Url::parse(issuer).map_err(|error| wrong(format!("the issuer `{issuer}` is not a URL: {error}")))?;
    let plain =
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    let path = url.path().trim_matches('/');
    let is_segment = |segment: &str| {
        !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let segments = path.is_empty() || path.split('/').all(is_segment);
    if matches!(url.scheme(), "http" | "https") && plain && segments && !issuer.ends_with("//") {
        return Ok(());
    }
    Err(wrong(format!(
        "the issuer `{issuer}` must be `http://host:port` or `https://host:port`, with a path of letters, digits, `-`, \
         `_`, `.` if any, and no query or fragment"
    )))
}

/// RFC 6749 §3.1.2: absolute, no fragment. `javascript:` and `data:` would run in the page that redirects.
fn check_redirect_uri(uri: &str) -> Result<(), &'static str> {
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

/// A registered client.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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
    /// What its ID tokens are signed with; without it, as everything else here.
    #[serde(default)]
    pub id_token_signed_response_alg: Option<Algorithm>,
    /// Where a person may be sent after a logout, compared as exact strings (OpenID Connect RP-Initiated Logout §3.1).
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// Where logout tokens are sent (OpenID Connect Back-Channel Logout §2.2).
    #[serde(default)]
    pub backchannel_logout_uri: Option<String>,
    /// What the logout page loads in a frame (OpenID Connect Front-Channel Logout §2).
    #[serde(default)]
    pub frontchannel_logout_uri: Option<String>,
    /// Whether the person is asked to agree to what the client wants.
    #[serde(default)]
    pub consent: bool,
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
            ("issuer: http://h/a//b".to_owned(), "no query or fragment"),
            ("issuer: http://h?q=1".to_owned(), "no query or fragment"),
            ("issuer: http://h\ntls: { directory: d }".to_owned(), "https://"),
            ("issuer: http://h\nissuers: [{ issuer: http://other/a }]".to_owned(), "another origin"),
            ("issuer: http://h\nissuers: [{ issuer: http://h/token }]".to_owned(), "uses itself"),
            ("issuer: http://h\nissuers: [{ issuer: http://h/a }, { issuer: http://h/a/ }]".to_owned(), "taken"),
            ("issuer: http://h\ncontrol_token: short".to_owned(), "can be guessed"),
            (client("/callback"), "absolute"),
            (client("http://a/#b"), "fragment"),
            (client("javascript:alert(1)"), "scheme"),
            (client("http://a/*"), "wildcard"),
            ("issuer: http://h\nclients: { web: { secret: '' } }".to_owned(), "empty secret"),
            ("issuer: http://h\nissuer_s: 1".to_owned(), "issuer_s"),
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
