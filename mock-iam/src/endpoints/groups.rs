//! Groups over HTTP: to be read only (RFC 7644 §3.4). Must not know how groups come about.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;

use super::authentication::Caller;
use super::scim::{Read, answer, base, error, parameters, respond};
use crate::scim::list::{self, response};
use crate::scim::{ScimError, group};
use crate::state::State;

/// `GET /scim/v2/Groups`
pub(crate) async fn list(
    _caller: Caller<Read>,
    Shared(state): Shared<State>,
    query: Result<Query<list::Query>, QueryRejection>,
) -> Response {
    let groups = group::all(&state.directory(), &base(&state));
    let list = parameters(query).and_then(|query| response(groups.into_iter(), &query));
    answer(list.map(|list| respond(StatusCode::OK, &list)))
}

/// `GET /scim/v2/Groups/{id}`
pub(crate) async fn read(_caller: Caller<Read>, Shared(state): Shared<State>, Path(id): Path<String>) -> Response {
    match group::one(&state.directory(), &id, &base(&state)) {
        Some(group) => respond(StatusCode::OK, &group),
        None => error(&ScimError::not_found("group", &id)),
    }
}
