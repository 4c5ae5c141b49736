//! What a person says to a waiting device, for scripts that have no browser (RFC 8628).

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::super::{device, respond};
use super::{answer as refuse, read};
use crate::flow;
use crate::journal::Note;
use crate::state::Provider;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceAnswer {
    /// Who agrees; nobody refuses.
    persona: Option<String>,
}

/// `POST /control/v1/devices/{user_code}`: agrees as a persona, or refuses.
pub(crate) async fn answer(
    State(provider): State<Arc<Provider>>,
    Path(user_code): Path<String>,
    request: Request,
) -> Response {
    let order: DeviceAnswer = match read(request).await {
        Ok(order) => order,
        Err(response) => return response,
    };
    let answered = match order.persona {
        Some(persona) => device::approve(&provider, &user_code, &persona).await,
        None => flow::device::answer(&mut provider.store.ledger(), &user_code, None, provider.now()),
    };
    match answered {
        Ok(()) => respond::noted(StatusCode::NO_CONTENT.into_response(), Note::outcome("device answered")),
        Err(refused) => refuse(&refused),
    }
}
