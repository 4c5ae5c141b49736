//! The signing keys: shown, rotated, retired.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;

use super::super::respond;
use super::{answer, missing, read, wrong};
use crate::journal::Note;
use crate::keys::{Algorithm, Retired};
use crate::state::Provider;

/// `GET /control/v1/keys`: every key, newest first, and what it does.
pub(crate) async fn list(State(provider): State<Arc<Provider>>) -> Response {
    if let Err(refused) = provider.all_keys().await {
        return answer(&refused);
    }
    let body = json!({ "keys": provider.keys.describe() });
    respond::private_json(StatusCode::OK, &body, Note::outcome("keys shown"))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    #[serde(default)]
    alg: Option<Algorithm>,
}

/// `POST /control/v1/keys/rotate`: a new key signs; the old one stays published and accepted until it is retired.
pub(crate) async fn rotate(State(provider): State<Arc<Provider>>, request: Request) -> Response {
    let order: Order = match read(request).await {
        Ok(order) => order,
        Err(response) => return response,
    };
    match provider.rotate(order.alg.unwrap_or(provider.keys.standard())).await {
        Ok(key) => {
            let body = json!({"kid": key.key_id(), "alg": key.algorithm()});
            respond::private_json(StatusCode::CREATED, &body, Note::outcome("key rotated"))
        }
        Err(refused) => answer(&refused),
    }
}

/// `DELETE /control/v1/keys/{kid}`: the key is unpublished, and what it signed is not believed any more.
pub(crate) async fn retire(State(provider): State<Arc<Provider>>, Path(kid): Path<String>) -> Response {
    match provider.keys.retire(&kid) {
        Retired::Done => respond::noted(StatusCode::NO_CONTENT.into_response(), Note::outcome("key retired")),
        Retired::Unknown => answer(&missing(format!("there is no key `{kid}`"))),
        Retired::IsTheLast => {
            answer(&wrong("this is the only key that signs access tokens; rotate first, then retire the old one"))
        }
    }
}
