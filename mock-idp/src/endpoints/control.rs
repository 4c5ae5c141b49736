//! The control API of `docs/wire.md`. Must not know who may use it: `guard` decided that.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{device, input, respond};
use crate::config::TokenFormat;
use crate::error::{Code, Refused};
use crate::flow;
use crate::flow::mint::{self, Draft, MintRequest, Signature};
use crate::journal::Note;
use crate::random;
use crate::state::Provider;
use crate::store::{Holder, Key, Kind, TokenRecord};

/// `POST /control/v1/tokens`: an access token for a persona, good or broken as ordered.
pub(crate) async fn mint(State(provider): State<Arc<Provider>>, request: Request) -> Response {
    let is_json = input::media_type(request.headers()).as_deref() == Some("application/json");
    let body = match input::body(request, &()).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    match minted(&provider, is_json, &body).await {
        Ok((answer, persona)) => {
            respond::private_json(StatusCode::CREATED, &answer, Note::outcome("token minted").subject(&persona))
        }
        Err(refused) => respond::refused(&refused, Note::refused(&refused)),
    }
}

async fn minted(provider: &Provider, is_json: bool, body: &[u8]) -> Result<(Value, String), Refused> {
    if !is_json {
        return Err(wrong("the body must be `application/json`"));
    }
    let request: MintRequest =
        serde_json::from_slice(body).map_err(|error| wrong(format!("the order cannot be read: {error}")))?;
    let found = provider.directory.find(&request.persona).await.map_err(|error| Provider::directory_down(&error))?;
    let user = found.ok_or_else(|| wrong(format!("there is no persona `{}`", request.persona)))?;
    let token_id = random::identifier().map_err(Refused::internal)?;
    let draft = mint::draft(&provider.config, request, &user, token_id, provider.now())?;
    let token = written(provider, &draft, &user.id)?;
    let answer = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": draft.expires_in,
        "jti": draft.token_id,
    });
    Ok((answer, user.id))
}

/// Signs the token, or draws an opaque one, and remembers it as a granted one would be.
fn written(provider: &Provider, draft: &Draft, user: &str) -> Result<String, Refused> {
    let (token, key, claims) = match provider.config.access_token.format {
        TokenFormat::Jwt => {
            let token = mint::sign(draft, &provider.key, provider.other_key()?).map_err(Refused::internal)?;
            (token, Key::of(Kind::TokenIdentifier, &draft.token_id), None)
        }
        TokenFormat::Opaque if draft.signature == Signature::Valid && draft.header.is_empty() => {
            let token = random::bearer_value().map_err(Refused::internal)?;
            let key = Key::of(Kind::OpaqueToken, &token);
            (token, key, mint::opaque_claims(draft).map(Box::new))
        }
        TokenFormat::Opaque => {
            return Err(wrong("access tokens are opaque here: there is no header or signature to change"));
        }
    };
    let serial = provider.store.ledger().next_serial();
    let holder = Holder::Minted { user: user.into(), serial };
    let record = TokenRecord { holder, client_id: draft.client_id.as_str().into(), revoked: false, claims };
    provider.store.tokens.insert(key, record, draft.deadline, provider.now());
    Ok(token)
}

/// What a person says to a waiting device, for scripts that have no browser.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceAnswer {
    /// Who agrees; nobody refuses.
    persona: Option<String>,
}

/// `POST /control/v1/devices/{user_code}`: agrees as a persona, or refuses.
pub(crate) async fn answer_device(
    State(provider): State<Arc<Provider>>,
    Path(user_code): Path<String>,
    request: Request,
) -> Response {
    let body = match input::body(request, &()).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let answered = match serde_json::from_slice(&body) {
        Ok(DeviceAnswer { persona: Some(persona) }) => device::approve(&provider, &user_code, &persona).await,
        Ok(DeviceAnswer { persona: None }) => {
            flow::device::answer(&mut provider.store.ledger(), &user_code, None, provider.now())
        }
        Err(error) => Err(wrong(format!("the answer cannot be read: {error}"))),
    };
    match answered {
        Ok(()) => respond::noted(StatusCode::NO_CONTENT.into_response(), Note::outcome("device answered")),
        Err(refused) => respond::refused(&refused, Note::refused(&refused)),
    }
}

/// `DELETE /control/v1/sessions/{persona}`: whatever the persona has is over.
pub(crate) async fn end_sessions(State(provider): State<Arc<Provider>>, Path(persona): Path<String>) -> Response {
    provider.store.ledger().end_sessions(&persona);
    respond::noted(StatusCode::NO_CONTENT.into_response(), Note::outcome("sessions ended").subject(&persona))
}

/// `GET /control/v1/journal`: the recorded requests, oldest first.
pub(crate) async fn journal(State(provider): State<Arc<Provider>>) -> Response {
    let entries = provider.journal.entries();
    respond::private_json(StatusCode::OK, &json!({ "entries": entries }), Note::default())
}

/// `POST /control/v1/reset`: back to the seed.
pub(crate) async fn reset(State(provider): State<Arc<Provider>>) -> Response {
    provider.store.reset();
    provider.journal.clear();
    StatusCode::NO_CONTENT.into_response()
}

fn wrong(reason: impl Into<String>) -> Refused {
    Refused::new(Code::InvalidRequest, "control API", reason)
}
