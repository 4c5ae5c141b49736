//! `/Me` (RFC 7644 §3.11): the user that a caller acts for, when the configuration names one. Must not know users.

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::response::Response;

use super::authentication::Caller;
use super::scim::{Asked, Read, Write, answer};
use super::users;
use crate::scim::ScimError;
use crate::state::State;

/// `GET /scim/v2/Me`
pub(crate) async fn read(caller: Caller<Read>, Shared(state): Shared<State>, asked: Asked) -> Response {
    answer(user(&state, &caller.name).and_then(|user| users::read_one(&state, &user, &asked)))
}

/// `PUT /scim/v2/Me`
pub(crate) async fn replace(
    caller: Caller<Write>,
    Shared(state): Shared<State>,
    asked: Asked,
    bytes: Bytes,
) -> Response {
    let user = user(&state, &caller.name);
    answer(user.and_then(|user| users::replace_one(&state, &caller.name, (&user, &asked.body(&bytes)?), &asked)))
}

/// `PATCH /scim/v2/Me`
pub(crate) async fn patch(caller: Caller<Write>, Shared(state): Shared<State>, asked: Asked, bytes: Bytes) -> Response {
    let user = user(&state, &caller.name);
    answer(user.and_then(|user| users::patch_one(&state, &caller.name, (&user, &asked.body(&bytes)?), &asked)))
}

/// `DELETE /scim/v2/Me`
pub(crate) async fn delete(caller: Caller<Write>, Shared(state): Shared<State>, asked: Asked) -> Response {
    answer(user(&state, &caller.name).and_then(|user| users::delete_one(&state, &caller.name, &user, &asked)))
}

/// RFC 7644 §3.11: 501 for those for whom there is no such thing.
fn user(state: &State, caller: &str) -> Result<String, ScimError> {
    let user = state.user_of(caller).map(str::to_owned);
    user.ok_or_else(|| ScimError::status(501, format!("caller `{caller}` acts for no user of the directory")))
}
