//! The pages that a person sees: login and error. No script, nothing loaded from anywhere.
//!
//! Must not know how a login is decided.

mod confirm;
pub(crate) mod device;
mod journal;
mod logout;

use std::sync::LazyLock;

use askama::Template;
use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::{Host, Url};

use crate::directory::User;
use crate::endpoints::{authorize, respond};
use crate::error::Refused;
use crate::flow::authorize::AuthorizationRequest;
use crate::journal::Note;

pub(crate) use confirm::confirm;
pub(crate) use journal::journal;
pub(crate) use logout::{ask_logout, logged_out};

const STYLE: &str = include_str!("../../templates/style.css");

/// The style sheet by its hash, the only style that the policy lets a page have.
static STYLE_SOURCE: LazyLock<String> =
    LazyLock::new(|| format!("'sha256-{}'", STANDARD.encode(digest(&SHA256, STYLE.as_bytes()))));

/// The login page.
#[derive(Template)]
#[template(path = "login.html")]
pub(crate) struct LoginPage<'a> {
    style: &'static str,
    client_id: &'a str,
    scope: &'a str,
    login: &'a str,
    hint: &'a str,
    details: Option<String>,
    notice: Option<String>,
    people: Vec<Card<'a>>,
}

/// Somebody to be.
struct Card<'a> {
    id: &'a str,
    name: &'a str,
    initial: String,
    tenant: &'a str,
    roles: &'a [String],
    active: bool,
    hue: &'static str,
}

impl<'a> LoginPage<'a> {
    pub(crate) fn new(
        request: &'a AuthorizationRequest,
        login: &'a str,
        people: &'a [User],
        notice: Option<String>,
    ) -> Self {
        let hint = request.login_hint.as_deref().unwrap_or_default();
        let mut cards: Vec<Card<'a>> = people.iter().map(card).collect();
        // Stable: who is hinted comes first, the rest keep their order.
        cards.sort_by_key(|card| card.id != hint);
        // What exactly is asked for must be seen by whoever agrees (RFC 9396 §11.1).
        let details = request.terms.authorization_details.as_ref().map(|details| details.to_string());
        let (client_id, scope) = (&request.client_id, &request.scope);
        Self { style: STYLE, client_id, scope, login, hint, details, notice, people: cards }
    }
}

fn card(user: &User) -> Card<'_> {
    let name = user.name.as_deref().unwrap_or(&user.id);
    let sum: u32 = user.id.bytes().map(u32::from).sum();
    Card {
        id: &user.id,
        name,
        initial: name.chars().next().map(|first| first.to_uppercase().to_string()).unwrap_or_default(),
        tenant: user.tenant.as_deref().unwrap_or_default(),
        roles: &user.roles,
        active: user.active,
        hue: match sum % 5 {
            0 => "hue-a",
            1 => "hue-b",
            2 => "hue-c",
            3 => "hue-d",
            _ => "hue-e",
        },
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    style: &'static str,
    code: &'a str,
    description: &'a str,
}

/// Shows the login page, whose form may lead to this redirect URI.
pub(crate) fn login(page: &LoginPage<'_>, status: StatusCode, redirect_uri: &str, note: Note) -> Response {
    show(page, status, &form_targets(redirect_uri), note)
}

/// Tells a person what is wrong, where the client cannot be told.
pub(crate) fn error(refused: &Refused, note: Note) -> Response {
    let description = refused.description();
    let page = ErrorPage { style: STYLE, code: refused.code.as_str(), description: &description };
    show(&page, authorize::page_status(refused), "'none'", note)
}

fn show(page: &impl Template, status: StatusCode, form_targets: &str, note: Note) -> Response {
    let Ok(body) = page.render() else {
        let refused = Refused::internal("a page could not be rendered");
        return respond::refused(&refused, Note::refused(&refused));
    };
    let policy = format!(
        "default-src 'none'; style-src {}; form-action {form_targets}; base-uri 'none'; frame-ancestors 'none'",
        *STYLE_SOURCE
    );
    let mut response = (status, Html(body)).into_response();
    let headers: [(HeaderName, HeaderValue); 4] = [
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'")),
        ),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        // `no-referrer` would make the form's `Origin` say `null`.
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    response.headers_mut().extend(headers);
    respond::noted(response, note)
}

/// Where the login form may lead. Browsers apply `form-action` to every redirect after it: first to the client, which
/// in development often sends the browser on to another loopback port.
fn form_targets(redirect_uri: &str) -> String {
    let Ok(url) = Url::parse(redirect_uri) else { return "'self'".to_owned() };
    let target = match (url.scheme(), url.host()) {
        // A policy cannot name an IPv6 address (CSP 3 §2.3.1 `host-char`), nor a scheme of an application's own by host.
        ("http" | "https", Some(Host::Domain(_) | Host::Ipv4(_))) => url.origin().ascii_serialization(),
        (scheme, _) => format!("{scheme}:"),
    };
    format!("'self' {target} http://localhost:* http://127.0.0.1:*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_may_lead_to_the_client_and_on_to_loopback() {
        let rest = "http://localhost:* http://127.0.0.1:*";
        for (uri, target) in [
            ("https://app.example/cb?x=1", "https://app.example"),
            ("http://[::1]:8080/cb", "http:"),
            ("com.example.app:/cb", "com.example.app:"),
        ] {
            assert_eq!(form_targets(uri), format!("'self' {target} {rest}"));
        }
    }

    #[test]
    fn a_persona_with_markup_in_its_name_stays_text() {
        let request = AuthorizationRequest {
            client_id: "web".to_owned(),
            redirect_uri: "http://localhost/cb".to_owned(),
            response: crate::flow::response_type::ResponseType::CODE,
            state: None,
            nonce: None,
            scope: String::new(),
            challenge: String::new(),
            prompt: crate::flow::authorize::Prompt::WhenNeeded,
            max_age: None,
            ask_consent: false,
            login_hint: Some("\"><script>alert(1)</script>".to_owned()),
            acr_values: Vec::new(),
            claims: crate::flow::claims_request::ClaimsRequest::default(),
            terms: crate::store::Terms::default(),
        };
        let people = [User { id: "<img src=x>".to_owned(), active: true, ..User::default() }];
        let page = LoginPage::new(&request, "handle", &people, Some("<b>".to_owned())).render().unwrap();
        assert!(!page.contains("<script>") && !page.contains("<img") && !page.contains("<b>"), "{page}");
    }
}
