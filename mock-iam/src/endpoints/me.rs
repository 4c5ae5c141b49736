//! `/Me` (RFC 7644 §3.11): the user that a caller acts for, when the configuration names one. Must not know users.

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::HeaderMap;
use axum::response::Response;

use super::authentication::Caller;
use super::scim::{Conditions, Read, Write, answer, body, parameters};
use super::users::{self, Parameters};
use crate::scim::ScimError;
use crate::scim::list::Query;
use crate::state::State;

/// `GET /scim/v2/Me`
pub(crate) async fn read(
    caller: Caller<Read>,
    Shared(state): Shared<State>,
    headers: HeaderMap,
    query: Parameters,
) -> Response {
    answer(parameters(query).and_then(|query| {
        let user = user(&state, &caller.name)?;
        users::read_one(&state, &user, &Conditions { headers: &headers, query: &query })
    }))
}

/// `PUT /scim/v2/Me`
pub(crate) async fn replace(
    caller: Caller<Write>,
    Shared(state): Shared<State>,
    headers: HeaderMap,
    query: Parameters,
    bytes: Bytes,
) -> Response {
    answer(parameters(query).and_then(|query| {
        let (user, body) = (user(&state, &caller.name)?, body(&headers, &bytes)?);
        users::replace_one(&state, &caller.name, (&user, &body), &Conditions { headers: &headers, query: &query })
    }))
}

/// `PATCH /scim/v2/Me`
pub(crate) async fn patch(
    caller: Caller<Write>,
    Shared(state): Shared<State>,
    headers: HeaderMap,
    query: Parameters,
    bytes: Bytes,
) -> Response {
    answer(parameters(query).and_then(|query| {
        let (user, body) = (user(&state, &caller.name)?, body(&headers, &bytes)?);
        users::patch_one(&state, &caller.name, (&user, &body), &Conditions { headers: &headers, query: &query })
    }))
}

/// `DELETE /scim/v2/Me`
pub(crate) async fn delete(caller: Caller<Write>, Shared(state): Shared<State>, headers: HeaderMap) -> Response {
    let query = Query::default();
    answer(user(&state, &caller.name).and_then(|user| {
        users::delete_one(&state, &caller.name, &user, &Conditions { headers: &headers, query: &query })
    }))
}

/// RFC 7644 §3.11: 501 for those for whom there is no such thing.
fn user(state: &State, caller: &str) -> Result<String, ScimError> {
    let user = state.user_of(caller).map(str::to_owned);
    user.ok_or_else(|| ScimError::status(501, format!("caller `{caller}` acts for no user of the directory")))
}
