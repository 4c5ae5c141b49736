//! The endpoint that `ACTIONS_ID_TOKEN_REQUEST_URL` names, and the metadata of its issuer. Must not know claims.

use axum::Json;
use axum::extract::{Query, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::authentication::{Caller, Door};
use crate::config::Permission;
use crate::events::random_id;
use crate::events::signer::Signer;
use crate::github;
use crate::state::State;

/// The path of the issuer below the base URL.
const ISSUER: &str = "/github";

/// The door of workflow runs.
pub(crate) struct Workflow;

impl Door for Workflow {
    const NEEDS: Permission = Permission::GithubToken;
}

#[derive(Deserialize)]
pub(crate) struct Wish {
    audience: Option<String>,
}

/// `GET /github/token[?audience=…]`, with `ACTIONS_ID_TOKEN_REQUEST_TOKEN` as bearer token.
pub(crate) async fn token(
    _caller: Caller<Workflow>,
    Shared(state): Shared<State>,
    Query(wish): Query<Wish>,
) -> Response {
    let Some(github) = state.github() else { return refuse(StatusCode::NOT_FOUND, "no workflow is configured") };
    let issuer = state.url(ISSUER);
    let claims = github::claims(github, (&issuer, wish.audience.as_deref()), (&random_id(), Timestamp::now()));
    let signed = state.workflow_keys().await.and_then(|signer| signer.sign_jwt(claims));
    match signed {
        Some(token) => ([(header::CACHE_CONTROL, "no-store")], Json(json!({ "count": token.len(), "value": token })))
            .into_response(),
        None => refuse(StatusCode::INTERNAL_SERVER_ERROR, "the token could not be signed"),
    }
}

/// `GET /github/.well-known/openid-configuration` (OpenID Connect Discovery 1.0 §4)
pub(crate) async fn configuration(Shared(state): Shared<State>) -> Json<Value> {
    let issuer = state.url(ISSUER);
    Json(json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks"),
        "subject_types_supported": ["public", "pairwise"],
        "response_types_supported": ["id_token"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid"],
    }))
}

/// `GET /github/.well-known/jwks`
pub(crate) async fn keys(Shared(state): Shared<State>) -> Response {
    match state.workflow_keys().await.map(Signer::jwk_set) {
        Some(keys) => Json(keys).into_response(),
        None => refuse(StatusCode::INTERNAL_SERVER_ERROR, "no keys could be made"),
    }
}

fn refuse(status: StatusCode, problem: &str) -> Response {
    (status, Json(json!({ "error": problem }))).into_response()
}
