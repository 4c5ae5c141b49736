//! Searches over HTTP (AuthZEN 1.0 §8). Must not know how a search is made.

use std::time::Instant;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::access::{Decide, bad_request, json_object};
use super::authentication::Caller;
use super::request_id;
use crate::access::{RequestError, search};
use crate::log::{EntityName, SearchEntry};
use crate::policy::{Question, Search};
use crate::state::State;

/// `POST /access/v1/search/subject`: who may?
pub(crate) async fn subject(
    caller: Caller<Decide>,
    Shared(state): Shared<State>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    run(Search::Subject, Asker { caller: caller.name, headers, state }, body).await
}

/// `POST /access/v1/search/resource`: on what?
pub(crate) async fn resource(
    caller: Caller<Decide>,
    Shared(state): Shared<State>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    run(Search::Resource, Asker { caller: caller.name, headers, state }, body).await
}

/// `POST /access/v1/search/action`: what?
pub(crate) async fn action(
    caller: Caller<Decide>,
    Shared(state): Shared<State>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    run(Search::Action, Asker { caller: caller.name, headers, state }, body).await
}

struct Asker {
    caller: String,
    headers: HeaderMap,
    state: State,
}

/// A search over many candidates takes its time: other requests must not wait for it.
async fn run(search: Search, asker: Asker, body: Bytes) -> Response {
    let searched = tokio::task::spawn_blocking(move || asker.answer(search, &body)).await;
    match searched {
        Ok(Ok(answer)) => Json(answer).into_response(),
        Ok(Err(error)) => bad_request(&error),
        Err(error) => {
            tracing::error!(%error, "search failed");
            (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "error": "the search failed" }))).into_response()
        }
    }
}

impl Asker {
    fn answer(&self, search: Search, body: &[u8]) -> Result<Value, RequestError> {
        let request = search::request(search, &json_object(&self.headers, body)?)?;
        let mut question = request.question.clone();
        self.state.adapt(&mut question);
        let (directory, engine) = (self.state.directory(), self.state.policies().engine());
        let start = Instant::now();
        let found = engine.search(search, &question, &directory)?;
        let latency = start.elapsed();
        self.state.log().append_search(SearchEntry {
            time: Timestamp::now(),
            sequence: 0,
            request_id: request_id::of(&self.headers),
            caller: self.caller.clone(),
            search: name(search),
            subject: EntityName { kind: question.subject.kind.clone(), id: question.subject.id.clone() },
            action: question.action.name.clone(),
            resource: EntityName { kind: question.resource.kind.clone(), id: question.resource.id.clone() },
            results: found.len(),
            directory_version: directory.version(),
            policy_hash: engine.hash().to_owned(),
            latency,
        });
        // Results have the type that was asked for, whatever the policies call it.
        Ok(request.answer(&found, |found| show(search, &request.question, found)))
    }
}

/// Bare: strict clients compare results exactly.
fn show(search: Search, asked: &Question, found: &str) -> Value {
    match search {
        Search::Subject => json!({ "type": asked.subject.kind, "id": found }),
        Search::Resource => json!({ "type": asked.resource.kind, "id": found }),
        Search::Action => json!({ "name": found }),
    }
}

fn name(search: Search) -> &'static str {
    match search {
        Search::Subject => "subject",
        Search::Resource => "resource",
        Search::Action => "action",
    }
}
