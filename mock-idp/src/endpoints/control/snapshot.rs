//! Everything that is remembered, as a value to keep and to put back; and back to the seed.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

use super::super::respond;
use super::{answer, read, wrong};
use crate::clock::Adjustment;
use crate::findings::Finding;
use crate::journal::Note;
use crate::state::Provider;
use crate::store::Image;

/// The shape of a snapshot; another number is another shape.
const VERSION: u32 = 2;

/// What is in a snapshot. No bearer value is: they are kept as hashes, and those are what is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Snapshot {
    version: u32,
    issuer: String,
    clock: Adjustment,
    store: Image,
    findings: Vec<Finding>,
}

/// `GET /control/v1/snapshot`.
pub(crate) async fn take(State(provider): State<Arc<Provider>>) -> Response {
    let snapshot = Snapshot {
        version: VERSION,
        issuer: provider.config.issuer.clone(),
        clock: provider.clock.adjustment(),
        store: provider.store.image(provider.now()),
        findings: provider.findings.list(),
    };
    respond::private_json(StatusCode::OK, &snapshot, Note::outcome("snapshot taken"))
}

/// `PUT /control/v1/snapshot`: as it was then. Keys stay: what was signed before the snapshot is believed after it.
pub(crate) async fn restore(State(provider): State<Arc<Provider>>, request: Request) -> Response {
    let snapshot: Snapshot = match read(request).await {
        Ok(snapshot) => snapshot,
        Err(response) => return response,
    };
    if snapshot.version != VERSION {
        return answer(&wrong(format!("this is version {VERSION} of snapshots, not {}", snapshot.version)));
    }
    if snapshot.issuer != provider.config.issuer {
        return answer(&wrong(format!("this is a snapshot of the issuer `{}`", snapshot.issuer)));
    }
    provider.clock.adjust(snapshot.clock);
    provider.store.restore(snapshot.store, provider.now());
    provider.findings.restore(snapshot.findings);
    respond::noted(StatusCode::NO_CONTENT.into_response(), Note::outcome("snapshot restored"))
}

/// `POST /control/v1/reset`: back to the seed, everything but the keys.
pub(crate) async fn reset(State(provider): State<Arc<Provider>>) -> Response {
    provider.store.reset();
    provider.people.clear();
    provider.journal.clear();
    provider.findings.clear();
    provider.faults.clear();
    provider.clock.adjust(Adjustment::default());
    StatusCode::NO_CONTENT.into_response()
}
