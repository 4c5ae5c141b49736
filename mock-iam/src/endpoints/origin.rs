//! Who may reach the control interface from where: stops a web page in the developer's browser from driving it
//! (cross-site request forgery, DNS rebinding). Must not know tokens.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use url::Url;

use crate::state::State;

/// Proof that `Host` and `Origin` are ours.
pub(crate) struct SameOrigin;

impl FromRequestParts<State> for SameOrigin {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Response> {
        let text = |name| parts.headers.get(name).map(|value| value.to_str().unwrap_or_default());
        // HTTP/2 says the host in the target.
        let host = text(header::HOST).or(parts.uri.authority().map(|authority| authority.as_str()));
        match (host, text(header::ORIGIN)) {
            (Some(host), origin)
                if is_ours(host, state.base_url()) && origin.is_none_or(|origin| is_same(origin, state.base_url())) =>
            {
                Ok(Self)
            }
            _ => Err((StatusCode::FORBIDDEN, Json(json!({ "error": "host or origin is not ours" }))).into_response()),
        }
    }
}

/// Whether a `Host` is the one of the base URL, loopback, or a name without a dot, such as a service of the stack has:
/// nobody can register such a name and point it at this machine.
fn is_ours(host: &str, base: &Url) -> bool {
    let Ok(url) = Url::parse(&format!("http://{host}/")) else { return false };
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback() || url.host() == base.host(),
        Some(url::Host::Ipv6(address)) => address.is_loopback() || url.host() == base.host(),
        Some(url::Host::Domain(name)) => !name.contains('.') || url.host() == base.host(),
        None => false,
    }
}

fn is_same(origin: &str, base: &Url) -> bool {
    Url::parse(origin).is_ok_and(|url| url.origin() == base.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_service_names_and_the_base_url_are_ours_and_public_names_are_not() {
        let base: Url = "http://iam.example.test:9410".parse().unwrap();
        for host in ["localhost:9410", "127.0.0.1", "[::1]:80", "iam:9410", "iam.example.test:9410"] {
            assert!(is_ours(host, &base), "{host}");
        }
        for host in ["attacker.example", "10.0.0.1:9410", "localhost.attacker.example", "", "a@b.example"] {
            assert!(!is_ours(host, &base), "{host}");
        }
        assert!(is_same("http://iam.example.test:9410", &base));
        assert!(!is_same("http://localhost:3000", &base) && !is_same("null", &base));
    }
}
