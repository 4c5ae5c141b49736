//! Writes each request into the journal. Must not know what the endpoints do.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::journal::{Entry, Note};
use crate::state::Provider;

/// Runs a request and records it. Readiness probes and the reading of the journal itself are no events.
pub(crate) async fn record(State(provider): State<Arc<Provider>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if matches!(path, "/health" | "/journal" | "/control/v1/reset") || path.starts_with("/control/v1/journal") {
        return next.run(request).await;
    }
    let (method, path): (String, String) = (request.method().to_string(), path.chars().take(200).collect());
    let mut response = next.run(request).await;
    let note = response.extensions_mut().remove::<Note>().unwrap_or_default();
    let (time, status) = (provider.now(), response.status().as_u16());
    tracing::debug!(method, path, status, outcome = note.what_came_of_it(), client_id = note.client_id(), "request");
    provider.journal.record(Entry { sequence: 0, time, method, path, status, note });
    response
}
