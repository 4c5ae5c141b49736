//! SCIM's discovery endpoints (RFC 7644 §4). Must not know what a user is, but for the names and types of free attributes.

use axum::extract::{Path, State as Shared};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde_json::Value;

use super::authentication::Caller;
use super::scim::{Read, base, error, respond};
use crate::scim::list::everything;
use crate::scim::{ScimError, discovery};
use crate::state::State;

/// `GET /scim/v2/ServiceProviderConfig`
pub(crate) async fn service_provider_config(_caller: Caller<Read>, Shared(state): Shared<State>) -> Response {
    respond(StatusCode::OK, &discovery::service_provider_config(&base(&state)))
}

/// `GET /scim/v2/ResourceTypes`
pub(crate) async fn resource_types(_caller: Caller<Read>, Shared(state): Shared<State>, uri: Uri) -> Response {
    all(&uri, discovery::resource_types(&base(&state)))
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
pub(crate) async fn schemas(_caller: Caller<Read>, Shared(state): Shared<State>, uri: Uri) -> Response {
    all(&uri, schemas_of(&state))
}

/// `GET /scim/v2/Schemas/{id}`
pub(crate) async fn schema(_caller: Caller<Read>, Shared(state): Shared<State>, Path(id): Path<String>) -> Response {
    one(schemas_of(&state), "schema", &id)
}

/// With the free attributes that somebody has now.
fn schemas_of(state: &State) -> Vec<Value> {
    let directory = state.directory();
    let free = directory.users().flat_map(|user| &user.profile.attributes);
    discovery::schemas(&base(state), &free.map(|(name, value)| (name.as_str(), value)).collect())
}

/// RFC 7644 §4: a filter here would have to be refused, because nothing is filtered.
fn all(uri: &Uri, resources: Vec<Value>) -> Response {
    let parameters = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    if parameters.into_iter().any(|(name, _)| name == "filter") {
        return error(&ScimError::status(403, "discovery documents are not filtered"));
    }
    respond(StatusCode::OK, &everything(resources))
}

fn one(resources: Vec<Value>, kind: &str, id: &str) -> Response {
    let found = resources.into_iter().find(|resource| resource.get("id").and_then(Value::as_str) == Some(id));
    match found {
        Some(resource) => respond(StatusCode::OK, &resource),
        None => error(&ScimError::not_found(kind, id)),
    }
}
