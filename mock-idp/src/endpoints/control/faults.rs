//! Faults: what there is, what is ordered, and the end of it.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::super::respond;
use super::{answer, missing, read, wrong};
use crate::error::Refused;
use crate::faults::catalogue::{CATALOGUE, Fault};
use crate::faults::{Order, OrderRequest, TOKEN_ENDPOINTS, TooMany};
use crate::journal::Note;
use crate::state::Provider;

/// `GET /control/v1/faults/catalogue`: every fault by name, and what a sound client does.
pub(crate) async fn catalogue() -> Response {
    respond::private_json(StatusCode::OK, &json!({ "faults": CATALOGUE }), Note::outcome("catalogue shown"))
}

/// `GET /control/v1/faults`: what is ordered, and how often it was used.
pub(crate) async fn list(State(provider): State<Arc<Provider>>) -> Response {
    let body = json!({ "faults": provider.faults.list(provider.now()) });
    respond::private_json(StatusCode::OK, &body, Note::outcome("faults shown"))
}

/// `POST /control/v1/faults`: from now on, as ordered.
pub(crate) async fn order(State(provider): State<Arc<Provider>>, request: Request) -> Response {
    let request: OrderRequest = match read(request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    match ordered(&provider, request) {
        Ok(order) => respond::private_json(StatusCode::CREATED, &order, Note::outcome("fault ordered")),
        Err(refused) => answer(&refused),
    }
}

fn ordered(provider: &Provider, request: OrderRequest) -> Result<Order, Refused> {
    let fault = Fault::named(&request.name).ok_or_else(|| {
        let names: Vec<&str> = CATALOGUE.iter().map(|line| line.name).collect();
        wrong(format!("there is no fault `{}`; there is: {}", request.name, names.join(", ")))
    })?;
    if request.times == Some(0) || request.seconds.is_some_and(|seconds| seconds <= 0) {
        return Err(wrong("`times` and `seconds` must be 1 or more"));
    }
    if request.misses_its_subject(fault) {
        return Err(wrong(format!(
            "`sub` is for faults on the way and of UserInfo at {}: `{}` ordered so would strike no request",
            TOKEN_ENDPOINTS.join(" or "),
            request.name
        )));
    }
    let at = match request.issuer.as_deref() {
        None => provider,
        Some(issuer) if issuer == provider.config.issuer => provider,
        Some(issuer) => provider
            .issuers
            .iter()
            .find(|other| other.config.issuer == issuer)
            .ok_or_else(|| wrong(format!("there is no issuer `{issuer}` here")))?,
    };
    let now = at.now();
    if let Some(id) = request.client_id.as_deref().filter(|id| at.store.clients.find(id, now).is_none()) {
        return Err(wrong(format!("there is no client `{id}`")));
    }
    at.faults.order(fault, request, now).map_err(|TooMany| wrong("too many faults are ordered; take some back"))
}

/// `DELETE /control/v1/faults`: everything is sound again.
pub(crate) async fn clear(State(provider): State<Arc<Provider>>) -> Response {
    provider.faults.clear();
    respond::noted(StatusCode::NO_CONTENT.into_response(), Note::outcome("faults taken back"))
}

/// `DELETE /control/v1/faults/{id}`.
pub(crate) async fn cancel(State(provider): State<Arc<Provider>>, Path(id): Path<u64>) -> Response {
    if provider.faults.cancel(id) {
        return respond::noted(StatusCode::NO_CONTENT.into_response(), Note::outcome("fault taken back"));
    }
    answer(&missing(format!("there is no ordered fault {id}")))
}
