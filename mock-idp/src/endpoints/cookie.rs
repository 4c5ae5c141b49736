//! Our two cookies. Must not know what their values stand for.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use url::Url;

/// Cookies do not keep ports apart, so the port is in the name: two providers on one machine stay two.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cookie {
    /// Who is logged in.
    Session,
    /// Which browser was shown a login page.
    Browser,
}

impl Cookie {
    fn name(self, issuer: &str) -> String {
        let what = match self {
            Self::Session => "session",
            Self::Browser => "browser",
        };
        let url = Url::parse(issuer).ok();
        let port = url.as_ref().and_then(Url::port_or_known_default).unwrap_or_default();
        // Issuers of one origin share its cookies: the path is in the name too.
        let path = url.map(|url| url.path().trim_end_matches('/').replace('/', "-")).unwrap_or_default();
        format!("mock-idp-{what}-{port}{path}")
    }

    /// The value that the browser sent; none when it sent several, because then somebody else planted one.
    pub(crate) fn read(self, headers: &HeaderMap, issuer: &str) -> Option<String> {
        let name = self.name(issuer);
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// Puts the cookie on an answer, until the browser is closed. `HttpOnly` hides it from scripts; `SameSite=Lax` lets it
    /// come along when a client sends the browser here, and not with a form that a foreign page posts.
    pub(crate) fn set(self, response: &mut Response, issuer: &str, value: &str) {
        let secure = if issuer.starts_with("https:") { "; Secure" } else { "" };
        let line = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}", self.name(issuer));
        if let Ok(line) = HeaderValue::try_from(line) {
            response.headers_mut().append(header::SET_COOKIE, line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(line).unwrap());
        Cookie::Session.read(&headers, "http://localhost:9400")
    }

    #[test]
    fn a_cookie_is_found_among_others_by_its_whole_name() {
        assert_eq!(read("a=b; mock-idp-session-9400=x; mock-idp-session-9401=y").as_deref(), Some("x"));
        assert_eq!(read("xmock-idp-session-9400=x"), None);
    }

    #[test]
    fn a_cookie_that_came_twice_is_none() {
        assert_eq!(read("mock-idp-session-9400=x; mock-idp-session-9400=y"), None);
    }
}
