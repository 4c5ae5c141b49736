//! The control interface: decision log, policies, reset. Must not know what a policy means.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::authentication::{Caller, Door};
use super::origin::SameOrigin;
use crate::config::{Permission, Policies};
use crate::log::Selection;
use crate::state::State;

/// The door of the control interface.
pub(crate) struct Control;

impl Door for Control {
    const NEEDS: Permission = Permission::Control;
}

/// Which decisions are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Sequence number of the last decision that the reader has.
    #[serde(default)]
    after: u64,
    /// `X-Request-ID` of the question.
    request_id: Option<String>,
    /// Only questions with claims that contradict the directory.
    #[serde(default)]
    claim_mismatch: bool,
}

/// `GET /control/v1/decisions[?after=SEQUENCE&request_id=ID&claim_mismatch=true]`: JSON lines, oldest first.
pub(crate) async fn decisions(
    _caller: Caller<Control>,
    _origin: SameOrigin,
    Shared(state): Shared<State>,
    Query(Wanted { after, request_id, claim_mismatch }): Query<Wanted>,
) -> Response {
    let selection = Selection { after, request_id, mismatches: claim_mismatch };
    ([(header::CONTENT_TYPE, "application/jsonl")], state.log().lines(&selection)).into_response()
}

/// `GET /control/v1/policies`: what is in force, and what is wrong with the last edit.
pub(crate) async fn policies(_caller: Caller<Control>, _origin: SameOrigin, Shared(state): Shared<State>) -> Response {
    let (engine, status) = (state.policies().engine(), state.policies().status());
    let answer = json!({
        "policy_hash": engine.hash(),
        "policies": engine.policies(),
        "warnings": engine.warnings(),
        "watched": state.watched().map(|directory| &directory.name),
        "source": status.source,
        "loaded": status.loaded,
        "problems": status.problems,
        "reload_us": status.reload_us,
    });
    Json(answer).into_response()
}

/// `PUT /control/v1/policies`: the body is a [`Policies`] in JSON.
pub(crate) async fn replace_policies(
    caller: Caller<Control>,
    _origin: SameOrigin,
    Shared(state): Shared<State>,
    body: Bytes,
) -> Response {
    let policies: Policies = match serde_json::from_slice(&body) {
        Ok(policies) => policies,
        Err(error) => {
            let detail = format!("the body is not a set of policies: {error}");
            return (StatusCode::BAD_REQUEST, Json(json!({ "error": detail }))).into_response();
        }
    };
    match state.policies().replace(&policies, jiff::Timestamp::now()) {
        Ok(engine) => {
            tracing::info!(caller = caller.name, policy_hash = engine.hash(), "policies replaced");
            let answer = json!({
                "policy_hash": engine.hash(),
                "policies": engine.policies().len(),
                "warnings": engine.warnings(),
            });
            Json(answer).into_response()
        }
        Err(errors) => {
            let answer = json!({ "error": "the policies are wrong", "problems": errors.0 });
            (StatusCode::UNPROCESSABLE_ENTITY, Json(answer)).into_response()
        }
    }
}

/// `DELETE /control/v1/policies`: back to those of the files, or of the configuration; the directory stays as it is.
pub(crate) async fn restore_policies(
    caller: Caller<Control>,
    _origin: SameOrigin,
    Shared(state): Shared<State>,
) -> StatusCode {
    state.policies().reset(jiff::Timestamp::now());
    tracing::info!(caller = caller.name, "policies of the files again");
    StatusCode::NO_CONTENT
}

/// `POST /control/v1/reset`: directory and policies back to the seed.
pub(crate) async fn reset(caller: Caller<Control>, _origin: SameOrigin, Shared(state): Shared<State>) -> StatusCode {
    state.reset();
    tracing::info!(caller = caller.name, "reset to the seed");
    StatusCode::NO_CONTENT
}
