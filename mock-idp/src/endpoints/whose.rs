//! Whose request it is, from what it says itself: unproven, and good enough to choose a fault by. Must not know faults.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::input;
use crate::faults::Facts;
use crate::flow::bearer;
use crate::flow::form::Parameters;
use crate::jws;
use crate::state::Provider;
use crate::store::{Key, Kind};

/// Reads the whole request and gives it back with what it says.
pub(super) async fn read(provider: &Provider, request: Request) -> Result<(Request, Facts), Response> {
    let (parts, body) = request.into_parts();
    // The parts are kept: the body is read as any endpoint reads one, with its limit and its answers.
    let body = input::body(Request::from_parts(parts.clone(), body), &()).await?;
    let (query, form) = (Parameters::parse(parts.uri.query().unwrap_or_default().as_bytes()), Parameters::parse(&body));
    let said = |name| query.get(name).or(form.get(name));
    let now = provider.now();
    let token = header_text(&parts.headers, &header::AUTHORIZATION).and_then(bearer::token);
    let path = parts.uri.path();
    let traced = |kind, value: &str| provider.faults.traced(Key::of(kind, value), now);
    let facts = Facts {
        path: path.to_owned(),
        sub: asked_about(path, &parts.headers, &form).and_then(|token| subject(provider, token)),
        client_id: said("client_id")
            .map(str::to_owned)
            .or_else(|| basic_client(&parts.headers))
            .or_else(|| token.and_then(|token| claim(token, "client_id")))
            .or_else(|| said("client_assertion").and_then(|assertion| claim(assertion, "sub"))),
        state: said("state")
            .map(str::to_owned)
            .or_else(|| said("code").and_then(|code| traced(Kind::AuthorizationCode, code)))
            .or_else(|| token.and_then(|token| traced(Kind::OpaqueToken, token))),
    };
    Ok((Request::from_parts(parts, Body::from(body)), facts))
}

pub(super) fn header_text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn basic_client(headers: &HeaderMap) -> Option<String> {
    let (scheme, credentials) = header_text(headers, &header::AUTHORIZATION)?.split_once(' ')?;
    let text = STANDARD.decode(credentials.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let text = String::from_utf8(text).ok()?;
    text.split_once(':').map(|(id, _)| id.to_owned())
}

/// The token that a request is about (RFC 7662 §2.1, OpenID Connect Core §5.3.1).
fn asked_about<'a>(path: &str, headers: &'a HeaderMap, form: &'a Parameters) -> Option<&'a str> {
    match path {
        "/introspect" => form.get("token"),
        "/userinfo" => bearer::presented(header_text(headers, &header::AUTHORIZATION)?).map(|(_, token)| token),
        _ => None,
    }
}

/// Whom a token is about: a JWT says it, of an opaque one the store knows it.
fn subject(provider: &Provider, token: &str) -> Option<String> {
    if token.contains('.') {
        return claim(token, "sub");
    }
    let record = provider.store.tokens.find(Key::of(Kind::OpaqueToken, token), provider.now())?;
    record.claims.map(|claims| claims.sub)
}

fn claim(token: &str, name: &str) -> Option<String> {
    let payload = jws::decode(token.split('.').nth(1)?)?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    claims.get(name).and_then(Value::as_str).map(str::to_owned)
}
