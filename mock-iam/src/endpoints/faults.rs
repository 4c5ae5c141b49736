//! Failures on request, and the layer that makes them happen. Must not know what the failing endpoints do.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Request, State as Shared};
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
    state.faults().add(fault);
    (StatusCode::CREATED, Json(json!({ "faults": state.faults().list() }))).into_response()
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
    for effect in state.faults().strike(target) {
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

/// Breaks the connection; whoever calls without one gets 503.
fn break_off(request: &Request) -> Response {
    if let Some(ConnectInfo(link)) = request.extensions().get::<ConnectInfo<Link>>() {
        link.cut();
    }
    (StatusCode::SERVICE_UNAVAILABLE, [(header::CONNECTION, "close")]).into_response()
}
