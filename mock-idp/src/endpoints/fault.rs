//! Puts ordered faults into answers. Must not know how an answer came about: it changes what the endpoints gave.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value};
use url::Url;

use super::respond;
use super::whose::{self, header_text};
use crate::error::Refused;
use crate::faults::catalogue::{Fault, Stage};
use crate::faults::{Due, Facts, tamper};
use crate::journal::Note;
use crate::jws;
use crate::keys::Algorithm;
use crate::state::Provider;
use crate::store::{Key, Kind};

/// What a slow answer waits when the order does not say, and at most.
const DELAY_MS: u64 = 3_000;
const MAX_DELAY_MS: u64 = 60_000;

/// Runs a request and gives back its answer, broken as ordered.
pub(crate) async fn inject(State(provider): State<Arc<Provider>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !provider.faults.any() || path.starts_with("/control/") || matches!(path, "/health" | "/journal") {
        return next.run(request).await;
    }
    let (request, mut facts) = match whose::read(&provider, request).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    let transport = provider.faults.take(Stage::Transport, &facts, provider.now());
    for due in &transport {
        if due.fault == Fault::Slow {
            let wait = due.delay_ms.unwrap_or(DELAY_MS).min(MAX_DELAY_MS);
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
    }
    let mut response = match transport.iter().find_map(|due| refusal(&provider, due.fault, request.uri())) {
        Some(response) => response,
        None => {
            let response = next.run(request).await;
            let answered = response.extensions().get::<Note>().and_then(Note::client_id).map(str::to_owned);
            facts.client_id = facts.client_id.or(answered);
            changed(&provider, &facts, response).await
        }
    };
    for due in &transport {
        response = on_the_way(due.fault, response).await;
        mark(&mut response, due.fault);
    }
    response
}

/// The answer of a server that did nothing.
fn refusal(provider: &Provider, fault: Fault, uri: &Uri) -> Option<Response> {
    let busy = |status| (status, [(header::RETRY_AFTER, "1")], "try again").into_response();
    match fault {
        Fault::ServerError => {
            let page = axum::response::Html("<h1>Internal Server Error</h1>");
            Some((StatusCode::INTERNAL_SERVER_ERROR, page).into_response())
        }
        Fault::Unavailable => Some(busy(StatusCode::SERVICE_UNAVAILABLE)),
        Fault::TooManyRequests => Some(busy(StatusCode::TOO_MANY_REQUESTS)),
        Fault::RedirectLoop => {
            let here = provider.url(uri.path_and_query().map(PathAndQuery::as_str).unwrap_or_default());
            Some(respond::redirect(&here, Note::default()))
        }
        _ => None,
    }
}

/// What happens to any answer on its way.
async fn on_the_way(fault: Fault, response: Response) -> Response {
    match fault {
        Fault::ContentType => {
            let mut response = response;
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
            response
        }
        Fault::MalformedJson | Fault::Reset => {
            let (mut parts, body) = response.into_parts();
            let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
            let half = whole.slice(..whole.len() / 2);
            if fault == Fault::MalformedJson {
                parts.headers.remove(header::CONTENT_LENGTH);
                return Response::from_parts(parts, Body::from(half));
            }
            // More was promised than comes: the connection cannot be used any further and is closed.
            parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len().saturating_add(1)));
            let broken = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "ordered by a fault");
            Response::from_parts(
                parts,
                Body::from_stream(futures_util::stream::iter([Ok::<Bytes, _>(half), Err(broken)])),
            )
        }
        _ => response,
    }
}

/// What happens inside an answer, by what kind of answer it is.
async fn changed(provider: &Provider, facts: &Facts, response: Response) -> Response {
    let now = provider.now();
    let take = |stage| provider.faults.take(stage, facts, now);
    let status = response.status();
    match facts.path.as_str() {
        "/token" if status == StatusCode::OK => token_response(provider, facts, response).await,
        "/userinfo" if status == StatusCode::OK => in_json(take(Stage::Userinfo), response).await,
        "/jwks" => jwks(provider, take(Stage::Jwks), response).await,
        path if path.starts_with("/.well-known/") => in_json(take(Stage::Discovery), response).await,
        _ if status == StatusCode::SEE_OTHER => callback(provider, facts, response),
        _ => response,
    }
}

async fn in_json(due: Vec<Due>, response: Response) -> Response {
    if due.is_empty() {
        return response;
    }
    let (parts, mut body) = match json_body(response).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    due.iter().for_each(|due| tamper::json(due.fault, &mut body));
    let mut response = with_body(parts, &body);
    due.iter().for_each(|due| mark(&mut response, due.fault));
    response
}

async fn jwks(provider: &Provider, due: Vec<Due>, response: Response) -> Response {
    if due.iter().any(|due| due.fault == Fault::JwksUnreachable) {
        let mut response = StatusCode::SERVICE_UNAVAILABLE.into_response();
        mark(&mut response, Fault::JwksUnreachable);
        return response;
    }
    let response = in_json(due, response).await;
    if !provider.faults.has_decoy() {
        return response;
    }
    let Ok(decoy) = provider.other_key(provider.keys.standard()).await else { return response };
    let (parts, mut body) = match json_body(response).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    if let Some(Value::Array(keys)) = body.get_mut("keys") {
        keys.insert(0, decoy.jwk().clone());
    }
    with_body(parts, &body)
}

async fn token_response(provider: &Provider, facts: &Facts, response: Response) -> Response {
    let now = provider.now();
    let (parts, mut body) = match json_body(response).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    if let (Some(state), Some(token)) = (&facts.state, body.get("access_token").and_then(Value::as_str)) {
        provider.faults.trace(Key::of(Kind::OpaqueToken, token), state, now);
    }
    let mut made = Vec::new();
    if let Some(sound) = body.get("id_token").and_then(Value::as_str).map(str::to_owned) {
        let mut token = sound;
        for due in provider.faults.take(Stage::IdToken, facts, now) {
            match broken(provider, due.fault, &token).await {
                Ok(broken) => token = broken,
                Err(refused) => return respond::refused(&refused, Note::refused(&refused)),
            }
            made.push(due.fault);
        }
        body.insert("id_token".to_owned(), Value::from(token));
    }
    for due in provider.faults.take(Stage::TokenResponse, facts, now) {
        tamper::json(due.fault, &mut body);
        made.push(due.fault);
    }
    let mut response = with_body(parts, &body);
    made.into_iter().for_each(|fault| mark(&mut response, fault));
    response
}

async fn broken(provider: &Provider, fault: Fault, token: &str) -> Result<String, Refused> {
    let header: Option<jws::Header> =
        token.split('.').next().and_then(jws::decode).and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let algorithm = header.and_then(|header| Algorithm::named(&header.alg)).unwrap_or(provider.keys.standard());
    let other = if algorithm == Algorithm::ES256 { Algorithm::EdDsa } else { Algorithm::ES256 };
    let (own, unpublished) = (provider.signer(Some(algorithm)).await?, provider.other_key(algorithm).await?);
    // Other algorithms are only made for the fault that needs one, because a made key is published.
    let published = if fault == Fault::OtherAlgorithm { provider.signer(Some(other)).await? } else { Arc::clone(&own) };
    let keys = tamper::Keys { own: &own, unpublished: &unpublished, other_algorithm: &published };
    tamper::id_token(fault, token, &keys, provider.now()).map_err(Refused::internal)
}

/// A redirect that carries an authorization response to a client.
fn callback(provider: &Provider, facts: &Facts, mut response: Response) -> Response {
    let Some(location) = header_text(response.headers(), &header::LOCATION).map(str::to_owned) else { return response };
    let sent = Url::parse(&location).ok().map(|url| url.query_pairs().into_owned().collect::<Vec<_>>());
    let sent = sent.unwrap_or_default();
    let parameter = |name: &str| sent.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    if parameter("iss").is_none() || (parameter("code").is_none() && parameter("error").is_none()) {
        return response;
    }
    let mut facts = facts.clone();
    facts.state = parameter("state").or(facts.state);
    let now = provider.now();
    if let (Some(code), Some(state)) = (parameter("code"), &facts.state) {
        provider.faults.trace(Key::of(Kind::AuthorizationCode, &code), state, now);
    }
    let before = provider.faults.callback(facts.client_id.as_deref().unwrap_or_default(), &location);
    let mut location = location;
    for due in provider.faults.take(Stage::AuthorizationResponse, &facts, now) {
        location = tamper::callback(due.fault, &location, before.as_deref()).unwrap_or(location);
        mark(&mut response, due.fault);
    }
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

async fn json_body(response: Response) -> Result<(axum::http::response::Parts, Map<String, Value>), Response> {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(object)) => Ok((parts, object)),
        Ok(_) | Err(_) => Err(Response::from_parts(parts, Body::from(bytes))),
    }
}

fn with_body(mut parts: axum::http::response::Parts, body: &Map<String, Value>) -> Response {
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(serde_json::to_vec(body).unwrap_or_default()))
}

/// Tells the journal that an answer is broken on purpose.
fn mark(response: &mut Response, fault: Fault) {
    let name = fault.described().map(|line| line.name).unwrap_or_default();
    response.extensions_mut().get_or_insert_default::<Note>().fault(name);
}
