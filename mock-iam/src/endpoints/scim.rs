//! SCIM over HTTP: doors, media type, errors (RFC 7644 §3.1, §3.12). Must not know which resource it is.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::authentication::Door;
use crate::config::Permission;
use crate::json::Unambiguous;
use crate::scim::{ScimError, ScimType, list};
use crate::state::State;

/// The door of readers of the directory.
pub(crate) struct Read;

/// The door of those who change it.
pub(crate) struct Write;

impl Door for Read {
    const NEEDS: Permission = Permission::ReadDirectory;

    fn refusal(status: StatusCode, detail: &str) -> Response {
        error(&ScimError::status(status.as_u16(), detail))
    }
}

impl Door for Write {
    const NEEDS: Permission = Permission::WriteDirectory;

    fn refusal(status: StatusCode, detail: &str) -> Response {
        error(&ScimError::status(status.as_u16(), detail))
    }
}

/// URL of the SCIM service.
pub(super) fn base(state: &State) -> String {
    state.url("/scim/v2")
}

/// A body as SCIM sends it.
pub(super) fn respond(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/scim+json")], body.to_string()).into_response()
}

pub(super) fn error(error: &ScimError) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    respond(status, &error.to_json())
}

pub(super) fn answer(result: Result<Response, ScimError>) -> Response {
    result.unwrap_or_else(|failure| error(&failure))
}

/// The parameters of a list; wrong ones are a SCIM error, too.
pub(super) fn parameters(query: Result<Query<list::Query>, QueryRejection>) -> Result<list::Query, ScimError> {
    let wrong = |error: QueryRejection| ScimError::new(ScimType::InvalidValue, error.body_text());
    query.map(|Query(query)| query).map_err(wrong)
}

/// The JSON in a body of SCIM's media type, or of plain JSON (RFC 7644 §3.1).
pub(super) fn body(headers: &HeaderMap, bytes: &[u8]) -> Result<Value, ScimError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !["application/scim+json", "application/json"].contains(&essence.as_str()) {
        return Err(ScimError::status(415, "the content type must be `application/scim+json`"));
    }
    let Unambiguous(body) = serde_json::from_slice(bytes)
        .map_err(|error| ScimError::new(ScimType::InvalidSyntax, format!("the body is not JSON: {error}")))?;
    Ok(body)
}
