//! SCIM's discovery endpoints (RFC 7644 §4). Must not know users.

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::authentication::Caller;
use super::scim::{Read, answer, base, error, respond};
use crate::scim::list::{Query, response};
use crate::scim::{ScimError, discovery};
use crate::state::State;

/// `GET /scim/v2/ServiceProviderConfig`
pub(crate) async fn service_provider_config(_caller: Caller<Read>, Shared(state): Shared<State>) -> Response {
    respond(StatusCode::OK, &discovery::service_provider_config(&base(&state)))
}

/// `GET /scim/v2/ResourceTypes`
pub(crate) async fn resource_types(_caller: Caller<Read>, Shared(state): Shared<State>) -> Response {
    all(discovery::resource_types(&base(&state)))
}

/// `GET /scim/v2/ResourceTypes/{name}`
pub(crate) async fn resource_type(
    _caller: Caller<Read>,
    Shared(state): Shared<State>,
    Path(name): Path<String>,
) -> Response {
    one(discovery::resource_types(&base(&state)), "resource type", &name)
}

/// `GET /scim/v2/Schemas`
pub(crate) async fn schemas(_caller: Caller<Read>, Shared(state): Shared<State>) -> Response {
    all(discovery::schemas(&base(&state)))
}

/// `GET /scim/v2/Schemas/{id}`
pub(crate) async fn schema(_caller: Caller<Read>, Shared(state): Shared<State>, Path(id): Path<String>) -> Response {
    one(discovery::schemas(&base(&state)), "schema", &id)
}

fn all(resources: Vec<Value>) -> Response {
    answer(response(resources.into_iter(), &Query::default()).map(|list| respond(StatusCode::OK, &list)))
}

fn one(resources: Vec<Value>, kind: &str, id: &str) -> Response {
    let found = resources.into_iter().find(|resource| resource.get("id").and_then(Value::as_str) == Some(id));
    match found {
        Some(resource) => respond(StatusCode::OK, &resource),
        None => error(&ScimError::not_found(kind, id)),
    }
}
