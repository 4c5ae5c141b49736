//! The issuer's clock: stopped, moved, and what has to be over now.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::super::respond;
use super::{answer, read, wrong};
use crate::clock::{Adjustment, Stopped};
use crate::journal::Note;
use crate::state::Provider;
use crate::store::Expire;

/// What to do, in this order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    /// Back to the machine's time.
    #[serde(default)]
    reset: bool,
    /// Seconds since 1970.
    #[serde(default)]
    set: Option<i64>,
    #[serde(default)]
    advance_seconds: Option<i64>,
    #[serde(default)]
    freeze: Option<bool>,
}

/// `GET /control/v1/clock`.
pub(crate) async fn show(State(provider): State<Arc<Provider>>) -> Response {
    described(&provider)
}

/// `POST /control/v1/clock`.
pub(crate) async fn change(State(provider): State<Arc<Provider>>, request: Request) -> Response {
    let order: Order = match read(request).await {
        Ok(order) => order,
        Err(response) => return response,
    };
    if order.reset {
        provider.clock.adjust(Adjustment::default());
    }
    if let Some(time) = order.set {
        provider.clock.set(time);
    }
    if let Some(seconds) = order.advance_seconds {
        provider.clock.set(provider.now().saturating_add(seconds));
    }
    if let Some(freeze) = order.freeze {
        provider.clock.freeze(if freeze { Stopped::Yes } else { Stopped::No });
    }
    described(&provider)
}

fn described(provider: &Provider) -> Response {
    let Adjustment { offset_seconds, frozen_at } = provider.clock.adjustment();
    let body = json!({"now": provider.now(), "offset_seconds": offset_seconds, "frozen": frozen_at.is_some()});
    respond::private_json(StatusCode::OK, &body, Note::outcome("clock"))
}

/// What has to be over: a token or code itself, or everything of a kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpireOrder {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    kind: Option<Expire>,
}

/// `POST /control/v1/expire`: as if its time were over, without moving the clock. An API that looks only into a JWT does
/// not learn of it.
pub(crate) async fn expire(State(provider): State<Arc<Provider>>, request: Request) -> Response {
    let order: ExpireOrder = match read(request).await {
        Ok(order) => order,
        Err(response) => return response,
    };
    let expired = match (&order.token, order.kind) {
        (Some(token), None) => {
            let now = provider.now();
            let known = crate::flow::introspect::recognise(&provider.keys, &provider.store, token, now);
            match known {
                Some((key, ..)) => provider.store.expire_access_token(key),
                None => provider.store.expire_value(token),
            }
        }
        (None, Some(kind)) => provider.store.expire_kind(kind),
        (Some(_), Some(_)) | (None, None) => {
            return answer(&wrong(
                "name a `token`, or a `kind`: `access_tokens`, `refresh_tokens`, `codes`, `sessions` or `logins`",
            ));
        }
    };
    respond::private_json(StatusCode::OK, &json!({ "expired": expired }), Note::outcome("expired"))
}
