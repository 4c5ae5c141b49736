//! Users over HTTP (RFC 7644 §3.3 to §3.6), with entity tags (§3.14). Must not know what a PATCH means.

use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::authentication::Caller;
use super::scim::{Asked, Read, Write, answer, base, created, refused, represent, respond};
use crate::directory::{Directory, Profile, User};
use crate::scim::list::{self, response};
use crate::scim::schema::USERS;
use crate::scim::{ScimError, ScimType, location, patch as patching, user};
use crate::state::State;

/// `GET /scim/v2/Users`
pub(crate) async fn list(_caller: Caller<Read>, Shared(state): Shared<State>, asked: Asked) -> Response {
    answer(found(&state, &asked.query))
}

/// The list response over users.
pub(super) fn found(state: &State, query: &list::Query) -> Result<Response, ScimError> {
    let (directory, base) = (state.directory(), base(state));
    let users = directory.users().map(|found| (&USERS, user::to_json(found, &base)));
    response(users, &[&USERS], query).map(|list| respond(StatusCode::OK, &list))
}

/// `GET /scim/v2/Users/{id}`
pub(crate) async fn read(
    _caller: Caller<Read>,
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    asked: Asked,
) -> Response {
    answer(read_one(&state, &id, &asked))
}

/// `POST /scim/v2/Users`
pub(crate) async fn create(
    caller: Caller<Write>,
    Shared(state): Shared<State>,
    asked: Asked,
    bytes: Bytes,
) -> Response {
    let create = || {
        let profile = user::from_json(&asked.body(&bytes)?)?;
        let made = state.change(|directory, now| Ok(directory.create(profile, now).map_err(refused)?.clone()))?;
        tracing::info!(caller = caller.name, user = made.profile.name, "user created");
        let response = show(StatusCode::CREATED, &state, &made, &asked.query)?;
        Ok(created(response, &location(&base(&state), "Users", &made.profile.name)))
    };
    answer(create())
}

/// `PUT /scim/v2/Users/{id}`
pub(crate) async fn replace(
    caller: Caller<Write>,
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    asked: Asked,
    bytes: Bytes,
) -> Response {
    answer(asked.body(&bytes).and_then(|body| replace_one(&state, &caller.name, (&id, &body), &asked)))
}

/// `PATCH /scim/v2/Users/{id}`
pub(crate) async fn patch(
    caller: Caller<Write>,
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    asked: Asked,
    bytes: Bytes,
) -> Response {
    answer(asked.body(&bytes).and_then(|body| patch_one(&state, &caller.name, (&id, &body), &asked)))
}

/// `DELETE /scim/v2/Users/{id}`
pub(crate) async fn delete(
    caller: Caller<Write>,
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    asked: Asked,
) -> Response {
    answer(delete_one(&state, &caller.name, &id, &asked))
}

pub(super) fn read_one(state: &State, id: &str, asked: &Asked) -> Result<Response, ScimError> {
    let directory = state.directory();
    let found = find(&directory, id)?;
    match asked.unchanged(found.version) {
        Some(unchanged) => Ok(unchanged),
        None => show(StatusCode::OK, state, found, &asked.query),
    }
}

pub(super) fn replace_one(
    state: &State,
    caller: &str,
    (id, body): (&str, &Value),
    asked: &Asked,
) -> Result<Response, ScimError> {
    let mut profile = user::from_json(body)?;
    let changed = change(state, id, asked, |found| {
        if profile.name != id {
            return Err(ScimError::new(ScimType::Mutability, "`userName` cannot be changed"));
        }
        // Nobody is reactivated by what a client leaves out.
        if !user::says_active(body) {
            profile.active = found.profile.active;
        }
        Ok(profile)
    })?;
    tracing::info!(caller, user = id, "user replaced");
    show(StatusCode::OK, state, &changed, &asked.query)
}

pub(super) fn patch_one(
    state: &State,
    caller: &str,
    (id, body): (&str, &Value),
    asked: &Asked,
) -> Result<Response, ScimError> {
    let changed = change(state, id, asked, |found| {
        user::from_writable(patching::apply(&USERS, user::writable(&found.profile), body)?)
    })?;
    tracing::info!(caller, user = id, "user changed");
    show(StatusCode::OK, state, &changed, &asked.query)
}

pub(super) fn delete_one(state: &State, caller: &str, id: &str, asked: &Asked) -> Result<Response, ScimError> {
    state.change(|directory, now| {
        asked.check(find(directory, id)?.version)?;
        directory.delete(id, now).map_err(refused)
    })?;
    tracing::info!(caller, user = id, "user deleted");
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Changes a user under the lock of the directory, so that a precondition still holds when the change is made.
fn change(
    state: &State,
    id: &str,
    asked: &Asked,
    new: impl FnOnce(&User) -> Result<Profile, ScimError>,
) -> Result<User, ScimError> {
    state.change(|directory, now| {
        let found = find(directory, id)?;
        asked.check(found.version)?;
        let profile = new(found)?;
        directory.replace(profile, now).cloned().map_err(refused)
    })
}

fn find<'a>(directory: &'a Directory, id: &str) -> Result<&'a User, ScimError> {
    directory.user(id).ok_or_else(|| ScimError::not_found("user", id))
}

fn show(status: StatusCode, state: &State, found: &User, query: &list::Query) -> Result<Response, ScimError> {
    let resource = query.projection(&USERS)?.of(user::to_json(found, &base(state)));
    Ok(represent(status, &resource, found.version))
}
