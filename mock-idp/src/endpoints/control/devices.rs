//! What a person says to a waiting device, for scripts that have no browser (RFC 8628).

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{device, respond};
use super::{answer as refuse, missing, read};
use crate::flow;
use crate::journal::Note;
use crate::state::Provider;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceAnswer {
    /// Who agrees; nobody refuses.
    persona: Option<String>,
}

/// The `auth_req_id` stands in the body: paths are written into journal and logs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientAnswer {
    auth_req_id: String,
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
    decide(&provider, &user_code, order.persona).await
}

/// `POST /control/v1/backchannel_authentication`: the same for a client that waits.
pub(crate) async fn answer_client(State(provider): State<Arc<Provider>>, request: Request) -> Response {
    let ClientAnswer { auth_req_id, persona } = match read(request).await {
        Ok(order) => order,
        Err(response) => return response,
    };
    let user_code = flow::device::user_code(&provider.store.ledger(), &auth_req_id, provider.now());
    match user_code {
        Some(user_code) => decide(&provider, &user_code, persona).await,
        None => refuse(&missing("there is no such `auth_req_id`, or it is expired")),
    }
}

/// `GET /control/v1/devices`: whoever waits for a person.
pub(crate) async fn list(State(provider): State<Arc<Provider>>) -> Response {
    let pending = flow::device::pending(&provider.store.ledger(), provider.now());
    let described: Vec<Value> = pending
        .into_iter()
        .map(|record| {
            let (persona, message) = record.asked.map(|asked| (asked.user, asked.binding_message)).unzip();
            json!({"user_code": record.user_code, "client_id": *record.client_id, "scope": record.scope,
                "persona": persona, "binding_message": message.flatten(), "expires": record.expires})
        })
        .collect();
    respond::private_json(StatusCode::OK, &json!({ "devices": described }), Note::outcome("devices shown"))
}

async fn decide(provider: &Arc<Provider>, user_code: &str, persona: Option<String>) -> Response {
    let answered = match persona {
        Some(persona) => device::approve(provider, user_code, &persona).await,
        None => flow::device::answer(&mut provider.store.ledger(), user_code, None, provider.now()),
    };
    match answered {
        Ok(()) => respond::noted(StatusCode::NO_CONTENT.into_response(), Note::outcome("device answered")),
        Err(refused) => refuse(&refused),
    }
}
