//! Who is logged in and what was granted: listed and ended.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::super::{backchannel, respond};
use super::{answer, missing};
use crate::journal::Note;
use crate::state::Provider;

/// `GET /control/v1/sessions`.
pub(crate) async fn list(State(provider): State<Arc<Provider>>) -> Response {
    let sessions = provider.store.ledger().list_sessions(provider.now());
    let described: Vec<_> = sessions
        .into_iter()
        .map(|(session, clients)| {
            json!({"sid": session.sid.as_ref(), "subject": session.user.as_ref(), "auth_time": session.auth_time,
                "clients": clients})
        })
        .collect();
    respond::private_json(StatusCode::OK, &json!({ "sessions": described }), Note::outcome("sessions shown"))
}

/// `GET /control/v1/grants`.
pub(crate) async fn grants(State(provider): State<Arc<Provider>>) -> Response {
    let grants = provider.store.ledger().list_grants(provider.now());
    let described: Vec<_> = grants
        .into_iter()
        .map(|(id, grant)| json!({"id": id, "subject": grant.user.as_ref(), "client_id": grant.client_id.as_ref()}))
        .collect();
    respond::private_json(StatusCode::OK, &json!({ "grants": described }), Note::outcome("grants shown"))
}

/// `DELETE /control/v1/grants/{id}`: every token of it is over.
pub(crate) async fn end_grant(State(provider): State<Arc<Provider>>, Path(id): Path<u64>) -> Response {
    let now = provider.now();
    let mut ledger = provider.store.ledger();
    if !ledger.grant_is_live(id, now) {
        return answer(&missing(format!("there is no live grant {id}")));
    }
    ledger.revoke_grant(id, now);
    respond::noted(StatusCode::NO_CONTENT.into_response(), Note::outcome("grant ended"))
}

/// Ends sessions, grants and tokens of a persona, and tells the clients of the sessions.
pub(super) fn end_everything_of(provider: &Arc<Provider>, persona: &str) {
    let ended = provider.store.ledger().list_sessions(provider.now());
    provider.store.ledger().end_sessions(persona);
    for (session, clients) in ended.into_iter().filter(|(session, _)| *session.user == *persona) {
        backchannel::notify(provider, &session, &clients);
    }
}

/// `DELETE /control/v1/sessions/{persona}`: whatever the persona has is over, and every client that asked to be told of a
/// logout is told.
pub(crate) async fn end_of_persona(State(provider): State<Arc<Provider>>, Path(persona): Path<String>) -> Response {
    end_everything_of(&provider, &persona);
    respond::noted(StatusCode::NO_CONTENT.into_response(), Note::outcome("sessions ended").subject(&persona))
}
