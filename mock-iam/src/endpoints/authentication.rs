//! Who calls, and whether the caller may: bearer tokens (RFC 6750). Must not know what is asked.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::config::Permission;
use crate::state::State;

/// Tells which permission an endpoint needs and how its refusals look.
pub(crate) trait Door {
    const NEEDS: Permission;
    /// The body of a refusal in the words of the door's protocol.
    fn refusal(status: StatusCode, detail: &str) -> Response {
        (status, Json(json!({ "error": detail }))).into_response()
    }
}

/// A caller with the permission of the door.
pub(crate) struct Caller<D> {
    pub(crate) name: String,
    door: std::marker::PhantomData<D>,
}

impl<D: Door> FromRequestParts<State> for Caller<D> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Response> {
        let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
        let token = match (values.next().and_then(bearer), values.next()) {
            (Some(token), None) => token,
            // RFC 6750 §3.1: a request without credentials gets no error code.
            _ => return Err(refuse::<D>(StatusCode::UNAUTHORIZED, "a bearer token is needed", "")),
        };
        let Some((name, caller)) = state.caller(token) else {
            let code = ", error=\"invalid_token\"";
            return Err(refuse::<D>(StatusCode::UNAUTHORIZED, "the bearer token is not known", code));
        };
        if !caller.may.contains(&D::NEEDS) {
            tracing::info!(caller = name, needs = ?D::NEEDS, "caller refused");
            let code = ", error=\"insufficient_scope\"";
            return Err(refuse::<D>(StatusCode::FORBIDDEN, "the caller lacks the permission", code));
        }
        Ok(Self { name: name.to_owned(), door: std::marker::PhantomData })
    }
}

/// The token of `Bearer TOKEN`; the scheme has no letter case (RFC 9110 §11.1).
fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim_start_matches(' '))
}

fn refuse<D: Door>(status: StatusCode, detail: &str, code: &str) -> Response {
    let mut response = D::refusal(status, detail);
    // RFC 6750 §3: both 401 and 403 say how to authenticate.
    if let Ok(value) = HeaderValue::try_from(format!("Bearer realm=\"mock-iam\"{code}")) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}
