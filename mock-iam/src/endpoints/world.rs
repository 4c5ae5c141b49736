//! The world that policies look at, as a test sets it: resources and circumstances. Must not know policies.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::authentication::Caller;
use super::control::Control;
use super::origin::SameOrigin;
use crate::directory::{Name, Resource};
use crate::state::State;

/// `GET /control/v1/resources`
pub(crate) async fn resources(_caller: Caller<Control>, _origin: SameOrigin, Shared(state): Shared<State>) -> Response {
    let directory = state.directory();
    let resources: Vec<Value> = directory.resources().map(|(name, resource)| to_json(name, resource)).collect();
    Json(json!({ "resources": resources })).into_response()
}

/// `PUT /control/v1/resources/{type}/{id}`: the body is a [`Resource`] and replaces what was known.
pub(crate) async fn put_resource(
    caller: Caller<Control>,
    _origin: SameOrigin,
    Shared(state): Shared<State>,
    Path((kind, id)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let resource: Resource = match read(&body) {
        Ok(resource) => resource,
        Err(refusal) => return refusal,
    };
    tracing::info!(caller = caller.name, kind, id, "resource set");
    set(&state, Name { kind, id }, |_| resource)
}

/// `PATCH /control/v1/resources/{type}/{id}`: the body holds attributes; `null` removes one (RFC 7396, one level deep).
pub(crate) async fn patch_resource(
    caller: Caller<Control>,
    _origin: SameOrigin,
    Shared(state): Shared<State>,
    Path((kind, id)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let attributes: Map<String, Value> = match read(&body) {
        Ok(attributes) => attributes,
        Err(refusal) => return refusal,
    };
    tracing::info!(caller = caller.name, kind, id, "resource changed");
    set(&state, Name { kind, id }, |mut resource| {
        for (name, value) in attributes {
            match value {
                Value::Null => resource.attributes.remove(&name),
                value => resource.attributes.insert(name, value),
            };
        }
        resource
    })
}

/// `DELETE /control/v1/resources/{type}/{id}`
pub(crate) async fn delete_resource(
    caller: Caller<Control>,
    _origin: SameOrigin,
    Shared(state): Shared<State>,
    Path((kind, id)): Path<(String, String)>,
) -> Response {
    match state.change(|directory, _| directory.delete_resource(&Name { kind, id })) {
        Ok(()) => {
            tracing::info!(caller = caller.name, "resource deleted");
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => (StatusCode::NOT_FOUND, Json(json!({ "error": error.to_string() }))).into_response(),
    }
}

/// `GET /control/v1/circumstances`
pub(crate) async fn circumstances(
    _caller: Caller<Control>,
    _origin: SameOrigin,
    Shared(state): Shared<State>,
) -> Response {
    Json(Value::Object(state.circumstances().as_ref().clone())).into_response()
}

/// `PUT /control/v1/circumstances`: context values that win over those of callers, such as `{"mfa": false}`, from the
/// next decision on.
pub(crate) async fn put_circumstances(
    caller: Caller<Control>,
    _origin: SameOrigin,
    Shared(state): Shared<State>,
    body: Bytes,
) -> Response {
    match read::<Map<String, Value>>(&body) {
        Ok(circumstances) => {
            tracing::info!(caller = caller.name, "circumstances set");
            state.set_circumstances(circumstances);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(refusal) => refusal,
    }
}

fn set(state: &State, name: Name, change: impl FnOnce(Resource) -> Resource) -> Response {
    let resource = state.change(|directory, _| {
        let before = directory.resource(&name.kind, &name.id).cloned().unwrap_or_default();
        let after = change(before);
        directory.put_resource(name.clone(), after.clone());
        after
    });
    Json(to_json(&name, &resource)).into_response()
}

fn to_json(name: &Name, resource: &Resource) -> Value {
    json!({ "type": name.kind, "id": name.id, "attributes": resource.attributes, "parents": resource.parents })
}

#[expect(clippy::result_large_err, reason = "the error is the response that goes out")]
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Response> {
    serde_json::from_slice(body).map_err(|error| {
        let detail = format!("the body is not as needed: {error}");
        (StatusCode::BAD_REQUEST, Json(json!({ "error": detail }))).into_response()
    })
}
