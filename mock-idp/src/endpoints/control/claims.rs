//! Why a claim is missing.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::super::respond;
use super::{answer, wrong};
use crate::config::ClaimTarget;
use crate::flow::telling;
use crate::journal::Note;
use crate::state::Provider;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    persona: String,
    claim: String,
    target: ClaimTarget,
    /// What was granted; without it, `openid` is taken for granted.
    #[serde(default)]
    scope: Option<String>,
}

/// `GET /control/v1/claims/why`.
pub(crate) async fn why(State(provider): State<Arc<Provider>>, Query(question): Query<Question>) -> Response {
    let Question { persona, claim, target, scope } = question;
    let user = match provider.people.find(&persona).await {
        Ok(Some(user)) => user,
        Ok(None) => return answer(&wrong(format!("there is no persona `{persona}`"))),
        Err(error) => return answer(&Provider::directory_down(&error)),
    };
    let body = telling::explain(&provider.config, &user, &claim, target, scope.as_deref());
    respond::private_json(StatusCode::OK, &body, Note::outcome("claim explained").subject(&user.id))
}
