//! What no provider can be made from, told in words.
//!
//! Must not know where a configuration came from.

use url::Url;

use super::{Client, Config};
use crate::error::Error;
use crate::jwk::JwkSet;

impl Config {
    /// Refuses what no provider can be made from.
    ///
    /// # Errors
    /// The first thing that is impossible, in words.
    pub fn check(&self) -> Result<(), Error> {
        check_issuer(&self.issuer)?;
        self.check_issuers()?;
        if self.control_token.as_ref().is_some_and(|token| token.expose().len() < 16) {
            return Err(wrong("`control_token` has fewer than 16 characters and can be guessed"));
        }
        for (id, client) in &self.clients {
            check_client(id, client)?;
        }
        if self.tls.is_some() && !self.issuer.starts_with("https://") {
            return Err(wrong(format!("with `tls` the issuer is `https://…`, not `{}`", self.issuer)));
        }
        if self.refresh_token.grace_seconds > 60 {
            // Longer, and whoever steals a token has the time to use it.
            return Err(wrong("`refresh_token.grace_seconds` is more than 60"));
        }
        self.check_features()
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

/// What an issuer's path cannot begin with, because the first issuer has something there.
const RESERVED_PATHS: [&str; 20] = [
    "",
    ".well-known",
    "authorize",
    "backchannel_authentication",
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
    "resources",
    "revoke",
    "token",
    "userinfo",
];

pub(crate) fn check_client(id: &str, client: &Client) -> Result<(), Error> {
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
    let logout = [&client.backchannel_logout_uri, &client.frontchannel_logout_uri];
    for uri in client.post_logout_redirect_uris.iter().chain(logout.into_iter().flatten()) {
        check_redirect_uri(uri)
            .map_err(|problem| wrong(format!("the logout URI `{uri}` of the client `{id}` {problem}")))?;
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        Config::parse(text).map(|_| "none".to_owned()).unwrap_or_else(|error| error.to_string())
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
            ("issuer: http://h\nrefresh_token: { grace_seconds: 61 }".to_owned(), "more than 60"),
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
}
