//! The journal and the findings: read, asserted, listened to.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, Stream};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use super::super::respond;
use super::{answer, read, wrong};
use crate::journal::Note;
use crate::journal::assert::{Expectation, problems};
use crate::state::Provider;

/// What to show; everything that is not said.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Selection {
    client_id: Option<String>,
    subject: Option<String>,
    path: Option<String>,
    outcome: Option<String>,
    after: u64,
}

/// `GET /control/v1/journal`: the recorded requests, oldest first.
pub(crate) async fn list(State(provider): State<Arc<Provider>>, Query(selection): Query<Selection>) -> Response {
    let mut entries = provider.journal.entries();
    let same = |wanted: &Option<String>, seen: Option<&str>| wanted.is_none() || wanted.as_deref() == seen;
    entries.retain(|entry| {
        entry.sequence > selection.after
            && same(&selection.path, Some(&entry.path))
            && same(&selection.client_id, entry.note.client_id())
            && same(&selection.subject, entry.note.person())
            && same(&selection.outcome, Some(entry.note.what_came_of_it()))
    });
    respond::private_json(StatusCode::OK, &json!({ "entries": entries }), Note::default())
}

/// `POST /control/v1/journal/assert`: 200 when it happened so, 409 with what did not.
pub(crate) async fn assert(State(provider): State<Arc<Provider>>, request: Request) -> Response {
    let expected: Expectation = match read(request).await {
        Ok(expected) => expected,
        Err(response) => return response,
    };
    if expected.is_empty() {
        return answer(&wrong("name `calls` or `findings`: an assertion of nothing always holds"));
    }
    let mut problems = problems(&provider.journal.entries(), &expected);
    problems.extend(expected.unexpected(&provider.findings.list()));
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::CONFLICT };
    let body = json!({"holds": problems.is_empty(), "problems": problems});
    respond::private_json(status, &body, Note::default())
}

/// `GET /control/v1/journal/stream`: every entry from now on, as server-sent events.
pub(crate) async fn listen(State(provider): State<Arc<Provider>>) -> Response {
    let mut response = Sse::new(events(&provider)).keep_alive(KeepAlive::default()).into_response();
    let headers = response.headers_mut();
    headers.insert(axum::http::header::CACHE_CONTROL, axum::http::HeaderValue::from_static("no-store"));
    response
}

fn events(provider: &Provider) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    stream::unfold(provider.journal.listen(), |mut listener| async move {
        let event = match listener.recv().await {
            Ok(entry) => {
                let data = serde_json::to_string(&entry).unwrap_or_default();
                Event::default().event("request").id(entry.sequence.to_string()).data(data)
            }
            // Whoever listens too slowly is told how much was missed.
            Err(RecvError::Lagged(missed)) => Event::default().event("missed").data(missed.to_string()),
            Err(RecvError::Closed) => return None,
        };
        Some((Ok(event), listener))
    })
}

/// `GET /control/v1/findings`: what permissive mode let through.
pub(crate) async fn findings(State(provider): State<Arc<Provider>>) -> Response {
    let body = json!({"mode": provider.config.mode, "findings": provider.findings.list()});
    respond::private_json(StatusCode::OK, &body, Note::outcome("findings shown"))
}

/// `DELETE /control/v1/findings`: counts from zero again.
pub(crate) async fn clear_findings(State(provider): State<Arc<Provider>>) -> Response {
    provider.findings.clear();
    respond::noted(StatusCode::NO_CONTENT.into_response(), Note::outcome("findings cleared"))
}
