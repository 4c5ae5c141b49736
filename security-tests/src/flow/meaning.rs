//! What an answer of the provider means, whoever asked. Must not know checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use url::Url;

use super::{Call, Endpoint};
use crate::exchange::Answer;

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// What was asked for was given: `a code`, `tokens`.
    Granted(&'static str),
    /// It was refused; how.
    Refused(String),
    /// The server failed.
    Failed(u16),
    /// Neither: rate limited, overloaded, or an answer of no known form.
    Unclear(String),
}

/// Reads an answer.
pub(crate) fn meaning(call: &Call, answer: &Answer) -> Meaning {
    if answer.is_5xx() {
        return Meaning::Failed(answer.status);
    }
    if answer.status == 429 {
        return Meaning::Unclear("rate limited (429)".to_owned());
    }
    match call.endpoint {
        Endpoint::Authorization => of_redirect(answer),
        Endpoint::Token => with(answer, "access_token", "tokens"),
        Endpoint::PushedAuthorization => with(answer, "request_uri", "a request_uri"),
        Endpoint::DeviceAuthorization => with(answer, "device_code", "a device_code"),
        Endpoint::Introspection => match answer.json.as_ref().and_then(|json| json.get("active")?.as_bool()) {
            Some(true) if answer.is_2xx() => Meaning::Granted("an active token"),
            Some(false) if answer.is_2xx() => Meaning::Refused("says that the token is not active".to_owned()),
            _ => refused(answer),
        },
        Endpoint::UserInfo => with(answer, "sub", "claims of a person"),
        Endpoint::Metadata => with(answer, "issuer", "metadata"),
        Endpoint::Keys => with(answer, "keys", "keys"),
        Endpoint::Revocation | Endpoint::DeviceAnswer if answer.is_2xx() => Meaning::Granted("an empty answer"),
        Endpoint::Revocation | Endpoint::DeviceAnswer => refused(answer),
    }
}

/// The parameters of a redirect, of the query and of the fragment, decoded.
pub(crate) fn redirect_parameters(location: &str) -> Vec<(String, String)> {
    let Ok(url) = Url::parse(location) else { return Vec::new() };
    let fragment = url.fragment().unwrap_or_default().as_bytes();
    url.query_pairs()
        .chain(url::form_urlencoded::parse(fragment))
        .map(|(n, v)| (n.into_owned(), v.into_owned()))
        .collect()
}

/// One parameter of the redirect that an answer is.
pub(crate) fn redirected(answer: &Answer, name: &str) -> Option<String> {
    let parameters = redirect_parameters(answer.location.as_deref()?);
    parameters.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

fn of_redirect(answer: &Answer) -> Meaning {
    let is_redirect = (300..400).contains(&answer.status);
    let parameters = match &answer.location {
        Some(location) if is_redirect => redirect_parameters(location),
        _ => return Meaning::Refused(format!("shows a page ({})", answer.status)),
    };
    let of = |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    if ["access_token", "id_token"].iter().any(|name| of(name).is_some()) {
        return Meaning::Granted("tokens in the URL");
    }
    match (of("code"), of("error")) {
        (Some(_), _) => Meaning::Granted("a code"),
        // RFC 6749 §4.1.2.1: the redirect's words for 500 and 503.
        (None, Some(error @ ("server_error" | "temporarily_unavailable"))) => {
            Meaning::Unclear(format!("answered `{error}`"))
        }
        (None, Some(error)) => Meaning::Refused(format!("answered `{error}`")),
        (None, None) => Meaning::Refused("shows a page of its own".to_owned()),
    }
}

fn with(answer: &Answer, member: &str, what: &'static str) -> Meaning {
    let has = answer.json.as_ref().is_some_and(|json| json.get(member).is_some());
    if answer.is_2xx() && has { Meaning::Granted(what) } else { refused(answer) }
}

/// RFC 6749 §5.2; a 2xx that says nothing is neither.
fn refused(answer: &Answer) -> Meaning {
    let error = answer.json.as_ref().and_then(|json| json.get("error")?.as_str());
    match (error, answer.status) {
        (Some(error), status) => Meaning::Refused(format!("answered {status} `{error}`")),
        (None, status) if answer.is_2xx() => Meaning::Unclear(format!("answered {status} without what was asked for")),
        (None, status) => Meaning::Refused(format!("answered {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Credentials;

    fn of(endpoint: Endpoint, answer: &Answer) -> Meaning {
        let call = Call {
            flow: 0,
            client: "web".into(),
            endpoint,
            parameters: vec![],
            credentials: Credentials::None,
            suffix: "",
        };
        meaning(&call, answer)
    }

    fn redirect(location: &str) -> Meaning {
        let answer = Answer { location: Some(location.into()), ..Answer::new(303, String::new()) };
        of(Endpoint::Authorization, &answer)
    }

    #[test]
    fn a_redirect_says_itself_what_it_means_and_a_page_is_a_refusal() {
        assert_eq!(redirect("http://a/cb?code=1&state=2"), Meaning::Granted("a code"));
        assert_eq!(redirect("http://a/cb#access_token=1"), Meaning::Granted("tokens in the URL"));
        assert_eq!(redirect("http://a/cb?error=access_denied"), Meaning::Refused("answered `access_denied`".into()));
        assert!(matches!(redirect("http://a/cb?error=server_error"), Meaning::Unclear(_)));
        assert!(matches!(redirect("http://idp/error"), Meaning::Refused(_)));
        assert!(matches!(of(Endpoint::Authorization, &Answer::new(400, String::new())), Meaning::Refused(_)));
    }

    #[test]
    fn a_200_without_a_token_is_neither_and_one_with_an_error_is_a_refusal() {
        let token = |status, body: &str| of(Endpoint::Token, &Answer::new(status, body.into()));
        assert_eq!(token(200, r#"{"access_token": "x"}"#), Meaning::Granted("tokens"));
        assert!(matches!(token(200, r#"{"error": "invalid_grant"}"#), Meaning::Refused(_)));
        assert!(matches!(token(400, "no"), Meaning::Refused(_)));
        assert!(matches!(token(200, "{}"), Meaning::Unclear(_)));
        assert_eq!(token(503, ""), Meaning::Failed(503));
        assert!(matches!(token(429, ""), Meaning::Unclear(_)));
    }
}
