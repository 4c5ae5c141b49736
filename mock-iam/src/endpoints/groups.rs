//! Groups over HTTP (RFC 7644 §3.3 to §3.6): a change of members changes the roles of users. Must not know how.

use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::authentication::Caller;
use super::scim::{Asked, Read, Write, answer, base, created, refused, represent, respond};
use crate::directory::{Directory, Group, GroupProfile};
use crate::scim::list::{self, response};
use crate::scim::schema::GROUPS;
use crate::scim::{ScimError, ScimType, group, location, patch as patching};
use crate::state::State;

/// `GET /scim/v2/Groups`
pub(crate) async fn list(_caller: Caller<Read>, Shared(state): Shared<State>, asked: Asked) -> Response {
    answer(found(&state, &asked.query))
}

/// The list response over groups.
pub(super) fn found(state: &State, query: &list::Query) -> Result<Response, ScimError> {
    let (directory, base) = (state.directory(), base(state));
    let groups = directory.groups().map(|found| (&GROUPS, group::to_json(&directory, found, &base)));
    response(groups, &[&GROUPS], query).map(|list| respond(StatusCode::OK, &list))
}

/// `GET /scim/v2/Groups/{id}`
pub(crate) async fn read(
    _caller: Caller<Read>,
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    asked: Asked,
) -> Response {
    let directory = state.directory();
    answer(find(&directory, &id).and_then(|found| match asked.unchanged(found.version) {
        Some(unchanged) => Ok(unchanged),
        None => show(StatusCode::OK, &state, (&directory, found), &asked.query),
    }))
}

/// `POST /scim/v2/Groups`
pub(crate) async fn create(
    caller: Caller<Write>,
    Shared(state): Shared<State>,
    asked: Asked,
    bytes: Bytes,
) -> Response {
    let create = || {
        let profile = group::from_json(&asked.body(&bytes)?)?;
        let name = profile.name.clone();
        let directory = state.change(|directory, now| {
            directory.create_group(profile, now).map_err(refused)?;
            Ok(directory.clone())
        })?;
        tracing::info!(caller = caller.name, group = name, "group created");
        let response = show(StatusCode::CREATED, &state, (&directory, find(&directory, &name)?), &asked.query)?;
        Ok(created(response, &location(&base(&state), "Groups", &name)))
    };
    answer(create())
}

/// `PUT /scim/v2/Groups/{id}`
pub(crate) async fn replace(
    caller: Caller<Write>,
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    asked: Asked,
    bytes: Bytes,
) -> Response {
    let replace = || {
        let profile = group::from_json(&asked.body(&bytes)?)?;
        let directory = change(&state, &id, &asked, |_, _| Ok(profile))?;
        tracing::info!(caller = caller.name, group = id, "group replaced");
        show(StatusCode::OK, &state, (&directory, find(&directory, &id)?), &asked.query)
    };
    answer(replace())
}

/// `PATCH /scim/v2/Groups/{id}`
pub(crate) async fn patch(
    caller: Caller<Write>,
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    asked: Asked,
    bytes: Bytes,
) -> Response {
    let patch = || {
        let (body, base) = (asked.body(&bytes)?, base(&state));
        let directory = change(&state, &id, &asked, |directory, found| {
            let before = group::writable(directory, found, &base);
            group::from_writable(patching::apply(&GROUPS, before, &body)?)
        })?;
        tracing::info!(caller = caller.name, group = id, "group changed");
        show(StatusCode::OK, &state, (&directory, find(&directory, &id)?), &asked.query)
    };
    answer(patch())
}

/// `DELETE /scim/v2/Groups/{id}`
pub(crate) async fn delete(
    caller: Caller<Write>,
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    asked: Asked,
) -> Response {
    let deleted = state.change(|directory, now| {
        asked.check(find(directory, &id)?.version)?;
        directory.delete_group(&id, now).map_err(refused)
    });
    answer(deleted.map(|()| {
        tracing::info!(caller = caller.name, group = id, "group deleted");
        StatusCode::NO_CONTENT.into_response()
    }))
}

/// Changes a group under the lock of the directory; the snapshot after it, because members are kept with users.
fn change(
    state: &State,
    id: &str,
    asked: &Asked,
    new: impl FnOnce(&Directory, &Group) -> Result<GroupProfile, ScimError>,
) -> Result<Directory, ScimError> {
    state.change(|directory, now| {
        let found = find(directory, id)?;
        asked.check(found.version)?;
        let profile = new(directory, found)?;
        if profile.name != id {
            return Err(ScimError::new(ScimType::Mutability, "`displayName` cannot be changed"));
        }
        directory.replace_group(profile, now).map_err(refused)?;
        Ok(directory.clone())
    })
}

fn find<'a>(directory: &'a Directory, id: &str) -> Result<&'a Group, ScimError> {
    directory.group(id).ok_or_else(|| ScimError::not_found("group", id))
}

fn show(
    status: StatusCode,
    state: &State,
    (directory, found): (&Directory, &Group),
    query: &list::Query,
) -> Result<Response, ScimError> {
    let resource = query.projection(&GROUPS)?.of(group::to_json(directory, found, &base(state)));
    Ok(represent(status, &resource, found.version))
}
