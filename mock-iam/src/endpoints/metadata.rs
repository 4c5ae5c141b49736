//! What this server says of itself to anybody. Must not know callers.

use axum::Json;
use axum::extract::State as Shared;
use serde_json::{Value, json};

use crate::state::State;

/// `GET /health`
pub(crate) async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// `GET /.well-known/authzen-configuration` (AuthZEN 1.0 §9): only what is there is announced.
pub(crate) async fn authzen(Shared(state): Shared<State>) -> Json<Value> {
    Json(json!({
        "policy_decision_point": state.url(""),
        "access_evaluation_endpoint": state.url("/access/v1/evaluation"),
        "access_evaluations_endpoint": state.url("/access/v1/evaluations"),
    }))
}
