//! `POST /control/v1/events`: an event on demand, right or deliberately wrong. Must not know streams' insides.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::authentication::Caller;
use super::control::Control;
use super::origin::SameOrigin;
use crate::events::kind::{self, Event};
use crate::events::set::Fault;
use crate::state::State;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    /// An event type by its URI or the last part of it, e.g. `session-revoked`.
    event: String,
    /// Whom it is about.
    persona: String,
    /// Set over the usual payload.
    #[serde(default)]
    payload: Map<String, Value>,
    /// Only on this stream.
    stream_id: Option<String>,
    #[serde(default)]
    fault: Fault,
}

/// Answers with the stream and the `jti` of each event that was put on one.
pub(crate) async fn emit(
    caller: Caller<Control>,
    _origin: SameOrigin,
    Shared(state): Shared<State>,
    body: Bytes,
) -> Response {
    let refuse = |problem: String| (StatusCode::BAD_REQUEST, Json(json!({ "error": problem }))).into_response();
    let order: Order = match serde_json::from_slice(&body) {
        Ok(order) => order,
        Err(error) => return refuse(error.to_string()),
    };
    let Some(kind) = kind::uri(&order.event) else {
        return refuse(format!("no event type `{}`; there are {}", order.event, kind::supported().join(", ")));
    };
    let now = Timestamp::now();
    let mut payload = usual(&kind);
    payload.insert("event_timestamp".to_owned(), json!(now.as_second()));
    payload.extend(order.payload);
    let event = Event { kind, subject: state.events().subject(&order.persona), payload };
    let sent = state.events().emit(&event, (order.stream_id.as_deref(), order.fault), now);
    tracing::info!(caller = caller.name, event = event.kind, fault = ?order.fault, streams = sent.len(), "event emitted");
    (StatusCode::ACCEPTED, Json(json!({ "sent": sent }))).into_response()
}

/// The members that CAEP 1.0 requires of each type.
fn usual(kind: &str) -> Map<String, Value> {
    let members = match kind.rsplit('/').next() {
        Some("credential-change") => json!({ "credential_type": "password", "change_type": "update" }),
        Some("token-claims-change") => json!({ "claims": {} }),
        Some("assurance-level-change") => {
            json!({ "namespace": "NIST-AAL", "current_level": "nist-aal1", "previous_level": "nist-aal2",
                "change_direction": "decrease" })
        }
        Some("device-compliance-change") => {
            json!({ "previous_status": "compliant", "current_status": "not-compliant" })
        }
        _ => json!({}),
    };
    members.as_object().cloned().unwrap_or_default()
}
