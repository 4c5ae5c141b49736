//! The pages of a logout: the question, and the end. Must not know whose session it is or was.

use std::collections::BTreeSet;

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use url::Url;

use crate::flow::form::Parameters;
use crate::journal::Note;

#[derive(Template)]
#[template(path = "logout.html")]
struct LogoutPage<'a> {
    style: &'static str,
    /// Who is asked; nobody when it is over.
    user: Option<&'a str>,
    /// What came with the request and has to come with the answer.
    carried: Vec<(&'static str, &'a str)>,
    frames: &'a [String],
    destination: Option<&'a str>,
}

/// Asks a person who came without an ID token of the session.
pub(crate) fn ask_logout(user: &str, parameters: &Parameters, note: Note) -> Response {
    let names = ["client_id", "post_logout_redirect_uri", "state"];
    let carried = names.into_iter().filter_map(|name| Some((name, parameters.get(name)?))).collect();
    let page = LogoutPage { style: super::STYLE, user: Some(user), carried, frames: &[], destination: None };
    let targets = parameters.get("post_logout_redirect_uri").map_or_else(|| "'self'".to_owned(), super::form_targets);
    super::show(&page, StatusCode::OK, &targets, note)
}

/// Says that it is over, and lets the browser tell the clients.
pub(crate) fn logged_out(frames: &[String], destination: Option<&str>, note: Note) -> Response {
    let page = LogoutPage { style: super::STYLE, user: None, carried: Vec::new(), frames, destination };
    let mut response = super::show(&page, StatusCode::OK, "'none'", note);
    let origins: BTreeSet<String> =
        frames.iter().filter_map(|uri| Url::parse(uri).ok()).map(|url| url.origin().ascii_serialization()).collect();
    let policy = response.headers().get(header::CONTENT_SECURITY_POLICY).and_then(|value| value.to_str().ok());
    let policy =
        policy.map(|policy| format!("{policy}; frame-src {}", origins.into_iter().collect::<Vec<_>>().join(" ")));
    if !frames.is_empty()
        && let Some(policy) = policy.and_then(|policy| HeaderValue::try_from(policy).ok())
    {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
