//! `.search` (RFC 7644 §3.4.3) and queries over all resources (§3.4.2.1). Must not know what matches.

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::Response;

use super::authentication::Caller;
use super::groups;
use super::scim::{Asked, Read, answer, base, respond};
use super::users;
use crate::scim::list::{Query, response};
use crate::scim::schema::{GROUPS, RESOURCE_TYPES, USERS};
use crate::scim::{ScimError, group, user};
use crate::state::State;

/// `POST /scim/v2/Users/.search`
pub(crate) async fn of_users(
    _caller: Caller<Read>,
    Shared(state): Shared<State>,
    asked: Asked,
    bytes: Bytes,
) -> Response {
    answer(request(&asked, &bytes).and_then(|query| users::found(&state, &query)))
}

/// `POST /scim/v2/Groups/.search`
pub(crate) async fn of_groups(
    _caller: Caller<Read>,
    Shared(state): Shared<State>,
    asked: Asked,
    bytes: Bytes,
) -> Response {
    answer(request(&asked, &bytes).and_then(|query| groups::found(&state, &query)))
}

/// `POST /scim/v2/.search`
pub(crate) async fn of_all(
    _caller: Caller<Read>,
    Shared(state): Shared<State>,
    asked: Asked,
    bytes: Bytes,
) -> Response {
    answer(request(&asked, &bytes).and_then(|query| found(&state, &query)))
}

/// `GET /scim/v2`
pub(crate) async fn list(_caller: Caller<Read>, Shared(state): Shared<State>, asked: Asked) -> Response {
    answer(found(&state, &asked.query))
}

fn request(asked: &Asked, bytes: &[u8]) -> Result<Query, ScimError> {
    Query::from_json(&asked.body(bytes)?)
}

fn found(state: &State, query: &Query) -> Result<Response, ScimError> {
    let (directory, base) = (state.directory(), base(state));
    let users = directory.users().map(|found| (&USERS, user::to_json(found, &base)));
    let groups = directory.groups().map(|found| (&GROUPS, group::to_json(&directory, found, &base)));
    response(users.chain(groups), &RESOURCE_TYPES, query).map(|list| respond(StatusCode::OK, &list))
}
