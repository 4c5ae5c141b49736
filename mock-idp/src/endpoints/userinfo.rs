//! Claims about the person behind a token (OpenID Connect Core §5.3).

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::Value;

use super::{input, respond};
use crate::config::ClaimTarget;
use crate::directory::User;
use crate::error::{Code, Refused};
use crate::flow::telling::told;
use crate::flow::{bearer, introspect, scope};
use crate::journal::Note;
use crate::state::Provider;

/// Answers a GET or a POST with a bearer token in the header, the only place it is taken from.
pub(crate) async fn answer(State(provider): State<Arc<Provider>>, headers: HeaderMap) -> Response {
    let authorization = match input::single(&headers, &header::AUTHORIZATION) {
        Ok(Some(authorization)) => authorization,
        Ok(None) => return respond::bearer_challenge(None),
        Err(refused) => return respond::bearer_challenge(Some(&refused)),
    };
    match person(&provider, &authorization).await {
        Ok(user) => {
            let mut claims = told(&provider.config, &user, ClaimTarget::Userinfo);
            claims.insert("sub".to_owned(), Value::from(user.id.as_str()));
            respond::private_json(StatusCode::OK, &claims, Note::outcome("claims given").subject(&user.id))
        }
        Err(refused) => respond::bearer_challenge(Some(&refused)),
    }
}

async fn person(provider: &Provider, authorization: &str) -> Result<User, Refused> {
    let invalid = |reason: &str| Refused::new(Code::InvalidToken, "RFC 6750 section 3.1", reason);
    let token =
        bearer::token(authorization).ok_or_else(|| invalid("the Authorization header is not `Bearer` and a token"))?;
    let live = introspect::inspect(&provider.config.issuer, &provider.keys, &provider.store, token, provider.now())
        .ok_or_else(|| invalid("the token is unknown, altered, expired or revoked"))?;
    let id = live.user().ok_or_else(|| invalid("the token stands for a client, not for a person"))?;
    if !live.claims.scope.as_deref().is_some_and(|granted| scope::contains(granted, "openid")) {
        let reason = "the token has no scope `openid`";
        return Err(Refused::new(Code::InsufficientScope, "OpenID Connect Core section 5.3.1", reason));
    }
    let found = provider.directory.find(id).await.map_err(|error| Provider::directory_down(&error))?;
    found.filter(|user| user.active).ok_or_else(|| invalid("the person is gone or not active any more"))
}
