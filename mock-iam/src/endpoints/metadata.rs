//! What this server says of itself to anybody. Must not know callers.

use axum::Json;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::state::State;

/// `GET /health`: a broken edit of the policies is no reason to be unhealthy, the last good set decides.
pub(crate) async fn health(Shared(state): Shared<State>) -> Json<Value> {
    if state.policies().status().problems.is_empty() {
        return Json(json!({ "status": "ok" }));
    }
    Json(json!({ "status": "ok", "policies": "the last edit is broken, the set before it decides" }))
}

/// `GET /.well-known/authzen-configuration` (AuthZEN 1.0 §9): only what is there is announced.
pub(crate) async fn authzen(Shared(state): Shared<State>) -> Response {
    metadata(&state, "")
}

/// `GET /.well-known/authzen-configuration/{path}`: the document of a base URL with a path (AuthZEN 1.0 §9.2).
pub(crate) async fn authzen_below(Shared(state): Shared<State>, Path(path): Path<String>) -> Response {
    metadata(&state, &path)
}

fn metadata(state: &State, path: &str) -> Response {
    // The identifier in the document must be the one that the caller made the address from: stops a mix-up.
    if state.base_url().path().trim_matches('/') != path.trim_matches('/') {
        return (StatusCode::NOT_FOUND, Json(json!({ "error": "no decision point has this path" }))).into_response();
    }
    Json(json!({
        "policy_decision_point": state.url(""),
        "access_evaluation_endpoint": state.url("/access/v1/evaluation"),
        "access_evaluations_endpoint": state.url("/access/v1/evaluations"),
        "search_subject_endpoint": state.url("/access/v1/search/subject"),
        "search_resource_endpoint": state.url("/access/v1/search/resource"),
        "search_action_endpoint": state.url("/access/v1/search/action"),
    }))
    .into_response()
}
