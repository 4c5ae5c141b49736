//! Failures on request, and the layer that makes them happen. Must not know what the failing endpoints do.

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Path, Request, State as Shared};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::authentication::Caller;
use super::control::Control;
use super::origin::SameOrigin;
use crate::connection::Link;
use crate::faults::{Effect, Fault, Target};
use crate::state::State;

/// What the endpoints read at most; axum's own limit.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// `GET /control/v1/faults`
pub(crate) async fn list(_caller: Caller<Control>, _origin: SameOrigin, Shared(state): Shared<State>) -> Response {
    Json(json!({ "faults": state.faults().list() })).into_response()
}

/// `POST /control/v1/faults`: one more, from the next request on.
pub(crate) async fn add(
    caller: Caller<Control>,
    _origin: SameOrigin,
    Shared(state): Shared<State>,
    body: Bytes,
) -> Response {
    let refuse = |problem: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": problem }))).into_response();
    let fault: Fault = match serde_json::from_slice(&body) {
        Ok(fault) => fault,
        Err(error) => return refuse(&format!("the body is not a fault: {error}")),
    };
    if let Some(problem) = fault.problem() {
        return refuse(problem);
    }
    tracing::warn!(caller = caller.name, ?fault, "fault added");
    let id = state.faults().add(fault);
    (StatusCode::CREATED, Json(json!({ "id": id, "faults": state.faults().list() }))).into_response()
}

/// `DELETE /control/v1/faults/{id}`: this one is taken back.
pub(crate) async fn cancel(
    caller: Caller<Control>,
    _origin: SameOrigin,
    Shared(state): Shared<State>,
    Path(id): Path<u64>,
) -> StatusCode {
    if !state.faults().cancel(id) {
        return StatusCode::NOT_FOUND;
    }
    tracing::info!(caller = caller.name, id, "fault taken back");
    StatusCode::NO_CONTENT
}

/// `DELETE /control/v1/faults`: all is well again.
pub(crate) async fn clear(caller: Caller<Control>, _origin: SameOrigin, Shared(state): Shared<State>) -> StatusCode {
    state.faults().clear();
    tracing::info!(caller = caller.name, "faults cleared");
    StatusCode::NO_CONTENT
}

/// Lets requests fail as they shall.
pub(crate) async fn strike(Shared(state): Shared<State>, request: Request, next: Next) -> Response {
    let Some(target) = Target::of(request.uri().path()) else { return next.run(request).await };
    let (request, text) = if state.faults().ask_for_text(target) {
        match read(request).await {
            Ok(read) => read,
            Err(response) => return response,
        }
    } else {
        (request, String::new())
    };
    for effect in state.faults().strike(target, &text) {
        match effect {
            Effect::Delay(delay) => tokio::time::sleep(delay).await,
            Effect::Break => return break_off(&request),
            Effect::Status(status) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                return (status, Json(json!({ "error": "this failure was asked for" }))).into_response();
            }
            Effect::Body(body) => return ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        }
    }
    next.run(request).await
}

/// A request with its text: path, query and body.
async fn read(request: Request) -> Result<(Request, String), Response> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_LIMIT).await.map_err(|_too_large| StatusCode::PAYLOAD_TOO_LARGE.into_response())?;
    let text = format!("{} {}", parts.uri, String::from_utf8_lossy(&body));
    Ok((Request::from_parts(parts, Body::from(body)), text))
}

/// Breaks the connection; whoever calls without one gets 503.
fn break_off(request: &Request) -> Response {
    if let Some(ConnectInfo(link)) = request.extensions().get::<ConnectInfo<Link>>() {
        link.cut();
    }
    (StatusCode::SERVICE_UNAVAILABLE, [(header::CONNECTION, "close")]).into_response()
}
