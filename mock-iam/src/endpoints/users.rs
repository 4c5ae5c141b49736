//! Users over HTTP (RFC 7644 §3.3 to §3.6), with entity tags (§3.14). Must not know what a PATCH means.

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State as Shared};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::authentication::Caller;
use super::scim::{Read, Write, answer, base, body, parameters, respond};
use crate::directory::{ChangeError, Directory, Profile, User};
use crate::scim::list::{self, response};
use crate::scim::{ScimError, ScimType, patch as patching, user};
use crate::state::State;

/// `GET /scim/v2/Users`
pub(crate) async fn list(
    _caller: Caller<Read>,
    Shared(state): Shared<State>,
    query: Result<Query<list::Query>, QueryRejection>,
) -> Response {
    let (directory, base) = (state.directory(), base(&state));
    let users = directory.users().map(|found| user::to_json(found, &base));
    let list = parameters(query).and_then(|query| response(users, &query));
    answer(list.map(|list| respond(StatusCode::OK, &list)))
}

/// `GET /scim/v2/Users/{id}`
pub(crate) async fn read(
    _caller: Caller<Read>,
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let directory = state.directory();
    answer(find(&directory, &id).map(|found| {
        if names(&headers, header::IF_NONE_MATCH, found) == Some(true) {
            return (StatusCode::NOT_MODIFIED, [(header::ETAG, user::version(found))]).into_response();
        }
        represent(StatusCode::OK, found, &state)
    }))
}

/// `POST /scim/v2/Users`
pub(crate) async fn create(
    caller: Caller<Write>,
    Shared(state): Shared<State>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let profile = body(&headers, &bytes).and_then(|body| user::from_json(&body));
    let created = profile.and_then(|profile| {
        state.change(|directory, now| Ok(directory.create(profile, now).map_err(refused)?.clone()))
    });
    answer(created.map(|created| {
        tracing::info!(caller = caller.name, user = created.profile.name, "user created");
        let mut response = represent(StatusCode::CREATED, &created, &state);
        let location = user::location(&base(&state), "Users", &created.profile.name);
        if let Ok(location) = HeaderValue::try_from(location) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }))
}

/// `PUT /scim/v2/Users/{id}`
pub(crate) async fn replace(
    caller: Caller<Write>,
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let changed = body(&headers, &bytes).and_then(|body| {
        let profile = user::from_json(&body)?;
        change(&state, &id, &headers, |_| match profile.name == id {
            true => Ok(profile),
            false => Err(ScimError::new(ScimType::Mutability, "`userName` cannot be changed")),
        })
    });
    answer(changed.map(|changed| {
        tracing::info!(caller = caller.name, user = id, "user replaced");
        represent(StatusCode::OK, &changed, &state)
    }))
}

/// `PATCH /scim/v2/Users/{id}`
pub(crate) async fn patch(
    caller: Caller<Write>,
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let changed = body(&headers, &bytes)
        .and_then(|body| change(&state, &id, &headers, |found| patching::apply(&found.profile, &body)));
    answer(changed.map(|changed| {
        tracing::info!(caller = caller.name, user = id, "user changed");
        represent(StatusCode::OK, &changed, &state)
    }))
}

/// `DELETE /scim/v2/Users/{id}`
pub(crate) async fn delete(
    caller: Caller<Write>,
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let deleted = state.change(|directory, _| {
        precondition(&headers, find(directory, &id)?)?;
        directory.delete(&id).map_err(refused)
    });
    answer(deleted.map(|()| {
        tracing::info!(caller = caller.name, user = id, "user deleted");
        StatusCode::NO_CONTENT.into_response()
    }))
}

/// Changes a user under the lock of the directory, so that a precondition still holds when the change is made.
fn change(
    state: &State,
    id: &str,
    headers: &HeaderMap,
    new: impl FnOnce(&User) -> Result<Profile, ScimError>,
) -> Result<User, ScimError> {
    state.change(|directory, now| {
        let found = find(directory, id)?;
        precondition(headers, found)?;
        let profile = new(found)?;
        directory.replace(profile, now).cloned().map_err(refused)
    })
}

fn find<'a>(directory: &'a Directory, id: &str) -> Result<&'a User, ScimError> {
    directory.user(id).ok_or_else(|| ScimError::not_found("user", id))
}

fn refused(error: ChangeError) -> ScimError {
    match error {
        ChangeError::NotFound => ScimError::status(404, error.to_string()),
        ChangeError::Exists => ScimError::new(ScimType::Uniqueness, error.to_string()),
    }
}

/// 412 when `If-Match` names another version (RFC 9110 §13.1.1).
fn precondition(headers: &HeaderMap, found: &User) -> Result<(), ScimError> {
    match names(headers, header::IF_MATCH, found) {
        Some(false) => Err(ScimError::status(412, "the user has changed meanwhile")),
        Some(true) | None => Ok(()),
    }
}

/// Whether a conditional header names this version of the user; nothing when there is no such header.
fn names(headers: &HeaderMap, header: HeaderName, found: &User) -> Option<bool> {
    let version = user::version(found);
    let tags = headers.get(header)?.to_str().unwrap_or_default().split(',').map(str::trim);
    let strong = version.trim_start_matches("W/");
    Some(tags.into_iter().any(|tag| tag == "*" || tag == version || tag == strong))
}

fn represent(status: StatusCode, found: &User, state: &State) -> Response {
    let mut response = respond(status, &user::to_json(found, &base(state)));
    if let Ok(tag) = HeaderValue::try_from(user::version(found)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
