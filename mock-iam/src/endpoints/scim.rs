//! SCIM over HTTP: doors, media type, errors (RFC 7644 §3.1, §3.12). Must not know which resource it is.

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::authentication::Door;
use crate::config::Permission;
use crate::directory::ChangeError;
use crate::json::Unambiguous;
use crate::scim::{ScimError, ScimType, list, version};
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

/// What every request may say besides its body; wrong parameters are a SCIM error, too.
pub(crate) struct Asked {
    headers: HeaderMap,
    pub(super) query: list::Query,
}

impl FromRequestParts<State> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &State) -> Result<Self, Response> {
        let query = Query::<list::Query>::try_from_uri(&parts.uri);
        let wrong = |rejection: QueryRejection| ScimError::new(ScimType::InvalidValue, rejection.body_text());
        let Query(query) = query.map_err(|rejection| error(&wrong(rejection)))?;
        Ok(Self { headers: std::mem::take(&mut parts.headers), query })
    }
}

impl Asked {
    /// The JSON in a body of SCIM's media type, or of plain JSON (RFC 7644 §3.1).
    pub(super) fn body(&self, bytes: &[u8]) -> Result<Value, ScimError> {
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !["application/scim+json", "application/json"].contains(&essence.as_str()) {
            return Err(ScimError::status(415, "the content type must be `application/scim+json`"));
        }
        let Unambiguous(body) = serde_json::from_slice(bytes)
            .map_err(|error| ScimError::new(ScimType::InvalidSyntax, format!("the body is not JSON: {error}")))?;
        Ok(body)
    }

    /// 412 when `If-Match` names another version (RFC 9110 §13.1.1).
    pub(super) fn check(&self, current: u64) -> Result<(), ScimError> {
        match self.names(header::IF_MATCH, current) {
            Some(false) => Err(ScimError::status(412, "the resource has changed meanwhile")),
            Some(true) | None => Ok(()),
        }
    }

    /// 304 when `If-None-Match` names this version (RFC 9110 §13.1.2).
    pub(super) fn unchanged(&self, current: u64) -> Option<Response> {
        let same = self.names(header::IF_NONE_MATCH, current) == Some(true);
        same.then(|| (StatusCode::NOT_MODIFIED, [(header::ETAG, version(current))]).into_response())
    }

    /// Whether a conditional header names this version; nothing when there is no such header.
    fn names(&self, header: HeaderName, current: u64) -> Option<bool> {
        let version = version(current);
        let tags = self.headers.get(header)?.to_str().unwrap_or_default().split(',').map(str::trim);
        let strong = version.trim_start_matches("W/");
        Some(tags.into_iter().any(|tag| tag == "*" || tag == version || tag == strong))
    }
}

/// A resource with its entity tag.
pub(super) fn represent(status: StatusCode, resource: &Value, current: u64) -> Response {
    let mut response = respond(status, resource);
    if let Ok(tag) = HeaderValue::try_from(version(current)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// 201 with the URL of what was made (RFC 7644 §3.3).
pub(super) fn created(mut response: Response, location: &str) -> Response {
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

pub(super) fn refused(error: ChangeError) -> ScimError {
    match error {
        ChangeError::NotFound => ScimError::status(404, error.to_string()),
        ChangeError::Exists => ScimError::new(ScimType::Uniqueness, error.to_string()),
        ChangeError::NoSuchMember(_) => ScimError::new(ScimType::InvalidValue, error.to_string()),
    }
}

/// What is not there at all.
pub(crate) async fn not_found(uri: Uri) -> Response {
    error(&ScimError::status(404, format!("`{}` is not an endpoint", uri.path())))
}

/// What cannot be done there.
pub(crate) async fn not_allowed() -> Response {
    error(&ScimError::status(405, "the endpoint does not know this method"))
}
