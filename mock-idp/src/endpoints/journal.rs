//! The journal for people: one page, no script.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use crate::pages;
use crate::state::Provider;

/// How many requests the page shows.
const SHOWN: usize = 200;

/// `GET /journal`: the last requests, newest first.
pub(crate) async fn page(State(provider): State<Arc<Provider>>) -> Response {
    let mut entries = provider.journal.entries();
    entries.reverse();
    entries.truncate(SHOWN);
    pages::journal(&provider.config.issuer, &entries, provider.findings.list().len())
}
