//! `POST /control/v1/explain`: why a question would be answered so, now. Must not know how it is found out.
//!
//! Not a decision: nobody acts on it, so nothing is logged.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::authentication::Caller;
use super::control::Control;
use super::origin::SameOrigin;
use crate::access;
use crate::policy::Explanation;
use crate::state::State;

/// The body is an AuthZEN question. A resource without properties gets those that it was last asked about with.
pub(crate) async fn explain(
    _caller: Caller<Control>,
    _origin: SameOrigin,
    Shared(state): Shared<State>,
    body: Bytes,
) -> Response {
    let refused = |error: &dyn std::fmt::Display| {
        (StatusCode::BAD_REQUEST, Json(json!({ "error": error.to_string() }))).into_response()
    };
    let mut question = match access::body(&body).and_then(|body| access::question(&body)) {
        Ok(question) => question,
        Err(error) => return refused(&error),
    };
    let (engine, directory) = (state.policies().engine(), state.directory());
    state.adapt(&mut question);
    engine.lift(&mut question);
    let remembered = question.resource.properties.is_empty() && state.seen().recall(&mut question.resource);
    match engine.explain(&question, &directory) {
        Ok(explanation) => {
            let mut answer = to_json(&explanation);
            if let Some(answer) = answer.as_object_mut() {
                answer.insert("question".to_owned(), json!(question));
                answer.insert("remembered".to_owned(), remembered.into());
                answer.insert("policy_hash".to_owned(), engine.hash().into());
                answer.insert("directory_version".to_owned(), directory.version().into());
            }
            Json(answer).into_response()
        }
        Err(error) => refused(&error),
    }
}

/// An explanation as data, with the same in words below `text`.
pub(crate) fn to_json(explanation: &Explanation) -> Value {
    let mut value = serde_json::to_value(explanation).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.insert("text".to_owned(), explanation.to_string().into());
    }
    value
}
