//! The transmitter's interface (SSF 1.0 §7, §8; RFC 8936). Must not know how events come about.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use super::authentication::{Caller, Door};
use crate::config::Permission;
use crate::events::kind::{self, Event, VERIFICATION};
use crate::events::set::Fault;
use crate::events::stream::{Delivery, POLL, PUSH, Status, Stream};
use crate::events::{push, random_id};
use crate::secret::Secret;
use crate::state::State;

/// How long a poll waits for something to come.
const LONGEST_POLL: Duration = Duration::from_secs(20);

/// The door of receivers.
pub(crate) struct Receive;

impl Door for Receive {
    const NEEDS: Permission = Permission::ReceiveEvents;
}

/// `GET /.well-known/ssf-configuration` (SSF 1.0 §7.1).
pub(crate) async fn configuration(Shared(state): Shared<State>) -> Json<Value> {
    Json(json!({
        "spec_version": "1_0",
        "issuer": state.url(""),
        "jwks_uri": state.url("/ssf/v1/jwks"),
        "delivery_methods_supported": [PUSH, POLL],
        "configuration_endpoint": state.url("/ssf/v1/streams"),
        "status_endpoint": state.url("/ssf/v1/status"),
        "add_subject_endpoint": state.url("/ssf/v1/subjects/add"),
        "remove_subject_endpoint": state.url("/ssf/v1/subjects/remove"),
        "verification_endpoint": state.url("/ssf/v1/verify"),
        "authorization_schemes": [{ "spec_urn": "urn:ietf:rfc:6750" }],
        "default_subjects": "ALL",
    }))
}

/// `GET /ssf/v1/jwks`
pub(crate) async fn keys(Shared(state): Shared<State>) -> Response {
    match state.events().signer().await {
        Some(signer) => Json(signer.jwk_set()).into_response(),
        None => refuse(StatusCode::INTERNAL_SERVER_ERROR, "no keys could be made"),
    }
}

#[derive(Deserialize)]
struct Wish {
    delivery: Option<WishedDelivery>,
    events_requested: Option<Vec<String>>,
    description: Option<String>,
    /// Not of the specification: for whom the events are; the name of the caller without it.
    aud: Option<String>,
}

#[derive(Deserialize)]
struct WishedDelivery {
    method: String,
    endpoint_url: Option<String>,
    authorization_header: Option<Secret>,
}

/// `POST /ssf/v1/streams` (SSF 1.0 §8.1.1.1)
pub(crate) async fn create(caller: Caller<Receive>, Shared(state): Shared<State>, body: Bytes) -> Response {
    let wish: Wish = match serde_json::from_slice(if body.is_empty() { b"{}" } else { &body }) {
        Ok(wish) => wish,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let delivery = match delivery(wish.delivery) {
        Ok(delivery) => delivery,
        Err(problem) => return refuse(StatusCode::BAD_REQUEST, &problem),
    };
    if state.events().signer().await.is_none() {
        return refuse(StatusCode::INTERNAL_SERVER_ERROR, "no keys could be made");
    }
    let pushes = matches!(delivery, Delivery::Push { .. });
    let mut stream = Stream::new(&caller.name, wish.aud.unwrap_or_else(|| caller.name.clone()), delivery);
    stream.description = wish.description;
    if let Some(requested) = wish.events_requested {
        stream.requested = requested;
    }
    let id = random_id();
    let answer = represent(&state, &id, &stream);
    state.events().streams().insert(id.clone(), stream);
    tracing::info!(caller = caller.name, stream = id, "event stream created");
    if pushes {
        tokio::spawn(push::deliver(std::sync::Arc::clone(state.events()), id));
    }
    (StatusCode::CREATED, Json(answer)).into_response()
}

/// Which stream is meant.
#[derive(Deserialize)]
pub(crate) struct Which {
    stream_id: Option<String>,
}

/// `GET /ssf/v1/streams[?stream_id=…]` (SSF 1.0 §8.1.1.2)
pub(crate) async fn read(
    caller: Caller<Receive>,
    Shared(state): Shared<State>,
    Query(which): Query<Which>,
) -> Response {
    let streams = state.events().streams();
    let mut own = streams.iter().filter(|(_, stream)| stream.owner == caller.name);
    match which.stream_id {
        None => Json(own.map(|(id, stream)| represent(&state, id, stream)).collect::<Value>()).into_response(),
        Some(wanted) => match own.find(|(id, _)| **id == wanted) {
            Some((id, stream)) => Json(represent(&state, id, stream)).into_response(),
            None => not_found(),
        },
    }
}

/// `PATCH` and `PUT /ssf/v1/streams` (SSF 1.0 §8.1.1.3, §8.1.1.4): what is given is replaced; how events are delivered
/// stays, a receiver that wants it otherwise makes another stream.
pub(crate) async fn update(caller: Caller<Receive>, Shared(state): Shared<State>, body: Bytes) -> Response {
    let parsed: Result<(Which, Wish), _> =
        serde_json::from_slice(&body).and_then(|which| Ok((which, serde_json::from_slice(&body)?)));
    let (which, wish) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let id = which.stream_id.unwrap_or_default();
    with_own(&state, &caller.name, &id, |stream| {
        if let Some(requested) = wish.events_requested {
            stream.requested = requested;
        }
        if wish.description.is_some() {
            stream.description = wish.description;
        }
        Json(represent(&state, &id, stream)).into_response()
    })
}

/// `DELETE /ssf/v1/streams?stream_id=…` (SSF 1.0 §8.1.1.5)
pub(crate) async fn delete(
    caller: Caller<Receive>,
    Shared(state): Shared<State>,
    Query(which): Query<Which>,
) -> Response {
    let id = which.stream_id.unwrap_or_default();
    let found = with_own(&state, &caller.name, &id, |_| StatusCode::NO_CONTENT.into_response());
    if found.status() == StatusCode::NO_CONTENT {
        state.events().streams().remove(&id);
        state.events().bell.notify_waiters();
    }
    found
}

/// `GET /ssf/v1/status?stream_id=…` (SSF 1.0 §8.1.2.1)
pub(crate) async fn status(
    caller: Caller<Receive>,
    Shared(state): Shared<State>,
    Query(which): Query<Which>,
) -> Response {
    let id = which.stream_id.unwrap_or_default();
    with_own(&state, &caller.name, &id, |stream| Json(status_of(&id, stream)).into_response())
}

#[derive(Deserialize)]
struct NewStatus {
    stream_id: String,
    status: Status,
    reason: Option<String>,
}

/// `POST /ssf/v1/status` (SSF 1.0 §8.1.2.2)
pub(crate) async fn set_status(caller: Caller<Receive>, Shared(state): Shared<State>, body: Bytes) -> Response {
    let new: NewStatus = match serde_json::from_slice(&body) {
        Ok(new) => new,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let answer = with_own(&state, &caller.name, &new.stream_id, |stream| {
        stream.set_status(new.status, new.reason);
        Json(status_of(&new.stream_id, stream)).into_response()
    });
    state.events().bell.notify_waiters();
    answer
}

#[derive(Deserialize)]
struct SubjectChange {
    stream_id: String,
    subject: Value,
}

/// `POST /ssf/v1/subjects/{add,remove}` (SSF 1.0 §8.1.3): everybody is on a stream until removed.
pub(crate) async fn subjects(
    caller: Caller<Receive>,
    Shared(state): Shared<State>,
    Path(change): Path<String>,
    body: Bytes,
) -> Response {
    let wish: SubjectChange = match serde_json::from_slice(&body) {
        Ok(wish) => wish,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    with_own(&state, &caller.name, &wish.stream_id, |stream| match change.as_str() {
        "add" => {
            stream.removed.retain(|removed| *removed != wish.subject);
            StatusCode::OK.into_response()
        }
        "remove" => {
            stream.removed.push(wish.subject);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => not_found(),
    })
}

#[derive(Deserialize)]
struct Verification {
    stream_id: String,
    state: Option<String>,
}

/// `POST /ssf/v1/verify` (SSF 1.0 §8.1.4.2)
pub(crate) async fn verify(caller: Caller<Receive>, Shared(state): Shared<State>, body: Bytes) -> Response {
    let wish: Verification = match serde_json::from_slice(&body) {
        Ok(wish) => wish,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let id = wish.stream_id;
    let found = with_own(&state, &caller.name, &id, |_| StatusCode::NO_CONTENT.into_response());
    if found.status() == StatusCode::NO_CONTENT {
        let payload = wish.state.map(|state| ("state".to_owned(), Value::from(state))).into_iter().collect();
        // §8.1.4.1: the stream itself is the subject.
        let subject = json!({ "format": "opaque", "id": id });
        let event = Event { kind: VERIFICATION.to_owned(), subject, payload };
        state.events().emit(&event, (Some(&id), Fault::None), jiff::Timestamp::now());
    }
    found
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Poll {
    max_events: Option<usize>,
    #[serde(default)]
    return_immediately: bool,
    #[serde(default)]
    ack: BTreeSet<String>,
    #[serde(default)]
    set_errs: BTreeMap<String, Value>,
}

/// `POST /ssf/v1/poll/{stream}` (RFC 8936 §2.4)
pub(crate) async fn poll(
    caller: Caller<Receive>,
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let wish: Poll = match serde_json::from_slice(if body.is_empty() { b"{}" } else { &body }) {
        Ok(wish) => wish,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    for (jti, error) in &wish.set_errs {
        tracing::warn!(stream = id, jti, %error, "the receiver refused a security event");
    }
    let mut done = wish.ack;
    done.extend(wish.set_errs.into_keys());
    let most = wish.max_events.unwrap_or(usize::MAX);
    let deadline = tokio::time::Instant::now() + LONGEST_POLL;
    loop {
        let rung = state.events().bell.notified();
        let mut nothing = true;
        let answer = with_own(&state, &caller.name, &id, |stream| {
            stream.acknowledge(&done);
            let sets: Map<String, Value> =
                stream.waiting().take(most).map(|(jti, token)| (jti.clone(), json!(token))).collect();
            let more = stream.waiting().count() > sets.len();
            nothing = sets.is_empty();
            Json(json!({ "sets": sets, "moreAvailable": more })).into_response()
        });
        // `maxEvents: 0` only acknowledges (RFC 8936 §2.2).
        if !nothing || wish.return_immediately || most == 0 || answer.status() != StatusCode::OK {
            return answer;
        }
        if tokio::time::timeout_at(deadline, rung).await.is_err() {
            return answer;
        }
    }
}

fn delivery(wish: Option<WishedDelivery>) -> Result<Delivery, String> {
    let Some(wish) = wish else { return Ok(Delivery::Poll) };
    match wish.method.as_str() {
        POLL => Ok(Delivery::Poll),
        PUSH => {
            let text = wish.endpoint_url.ok_or("push delivery needs an `endpoint_url`")?;
            let url = Url::parse(&text).map_err(|error| format!("`endpoint_url`: {error}"))?;
            // Events of a development stack stay on its machine, and nobody is called by mistake.
            let near = match url.host() {
                Some(url::Host::Domain(name)) => !name.contains('.'),
                Some(url::Host::Ipv4(address)) => address.is_loopback(),
                Some(url::Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            };
            if !near || !matches!(url.scheme(), "http" | "https") {
                return Err("`endpoint_url` must be of this machine or of a service of the stack".to_owned());
            }
            Ok(Delivery::Push { endpoint_url: text, authorization: wish.authorization_header })
        }
        other => Err(format!("delivery method `{other}` is not supported")),
    }
}

fn represent(state: &State, id: &str, stream: &Stream) -> Value {
    let supported = kind::supported();
    let delivered: Vec<&String> = supported.iter().filter(|kind| stream.requested.contains(kind)).collect();
    let delivery = match &stream.delivery {
        Delivery::Push { endpoint_url, .. } => json!({ "method": PUSH, "endpoint_url": endpoint_url }),
        Delivery::Poll => json!({ "method": POLL, "endpoint_url": state.url(&format!("/ssf/v1/poll/{id}")) }),
    };
    json!({
        "stream_id": id,
        "iss": state.url(""),
        "aud": stream.audience,
        "delivery": delivery,
        "events_supported": supported,
        "events_requested": stream.requested,
        "events_delivered": delivered,
        "description": stream.description,
    })
}

fn status_of(id: &str, stream: &Stream) -> Value {
    json!({ "stream_id": id, "status": stream.status, "reason": stream.reason })
}

/// Does something with a stream of the caller; those of others are not there.
fn with_own(state: &State, caller: &str, id: &str, work: impl FnOnce(&mut Stream) -> Response) -> Response {
    match state.events().streams().get_mut(id).filter(|stream| stream.owner == caller) {
        Some(stream) => work(stream),
        None => not_found(),
    }
}

fn not_found() -> Response {
    refuse(StatusCode::NOT_FOUND, "no such stream")
}

fn refuse(status: StatusCode, problem: &str) -> Response {
    (status, Json(json!({ "error": problem }))).into_response()
}
