//! Claims about the person behind a token (OpenID Connect Core §5.3).

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use serde_json::Value;

use super::{input, proof, respond};
use crate::config::ClaimTarget;
use crate::directory::User;
use crate::error::{Code, Refused};
use crate::flow::bearer::{self, Scheme};
use crate::flow::claims_request::Wanted;
use crate::flow::dpop::Request;
use crate::flow::telling::told;
use crate::flow::{introspect, scope};
use crate::journal::Note;
use crate::state::Provider;
use crate::store::Holder;

/// Answers a GET or a POST with a bearer token in the header, the only place it is taken from.
pub(crate) async fn answer(State(provider): State<Arc<Provider>>, method: Method, headers: HeaderMap) -> Response {
    let response = claims(&provider, &method, &headers).await;
    proof::with_nonce(&provider, response)
}

async fn claims(provider: &Provider, method: &Method, headers: &HeaderMap) -> Response {
    let authorization = match input::single(headers, &header::AUTHORIZATION) {
        Ok(Some(authorization)) => authorization,
        Ok(None) => return respond::bearer_challenge(None),
        Err(refused) => return respond::bearer_challenge(Some(&refused)),
    };
    let presented = Presented { method, headers, authorization: &authorization };
    match person(provider, presented).await {
        Ok((user, wanted)) => {
            let mut claims = told(&provider.config, &user, ClaimTarget::Userinfo, wanted.as_deref());
            claims.insert("sub".to_owned(), Value::from(user.id.as_str()));
            respond::private_json(StatusCode::OK, &claims, Note::outcome("claims given").subject(&user.id))
        }
        Err(refused) => respond::bearer_challenge(Some(&refused)),
    }
}

/// What came with the request.
struct Presented<'a> {
    method: &'a Method,
    headers: &'a HeaderMap,
    authorization: &'a str,
}

/// The person behind the token, and the claims that the client asked for by name.
async fn person(provider: &Provider, presented: Presented<'_>) -> Result<(User, Option<Arc<Wanted>>), Refused> {
    let invalid = |reason: &str| Refused::new(Code::InvalidToken, "RFC 6750 section 3.1", reason);
    let (scheme, token) = bearer::presented(presented.authorization)
        .ok_or_else(|| invalid("the Authorization header is not `Bearer` or `DPoP` and a token"))?;
    let live = introspect::inspect(&provider.config.issuer, &provider.keys, &provider.store, token, provider.now())
        .ok_or_else(|| invalid("the token is unknown, altered, expired or revoked"))?;
    possessed(provider, &presented, (scheme, token), live.claims.bound_key())?;
    let id = live.user().ok_or_else(|| invalid("the token stands for a client, not for a person"))?;
    if !live.claims.scope.as_deref().is_some_and(|granted| scope::contains(granted, "openid")) {
        let reason = "the token has no scope `openid`";
        return Err(Refused::new(Code::InsufficientScope, "OpenID Connect Core section 5.3.1", reason));
    }
    let found = provider.people.find(id).await.map_err(|error| Provider::directory_down(&error))?;
    let user = found.filter(|user| user.active).ok_or_else(|| invalid("the person is gone or not active any more"))?;
    let wanted = match live.record.holder {
        Holder::Grant(grant) => provider.store.ledger().wanted(grant, provider.now()),
        Holder::Client | Holder::Minted { .. } => None,
    };
    Ok((user, wanted))
}

/// A bound token is only good with a proof of its key (RFC 9449 §7.1), and an unbound one only as a bearer token.
fn possessed(
    provider: &Provider,
    presented: &Presented<'_>,
    (scheme, token): (Scheme, &str),
    bound: Option<&str>,
) -> Result<(), Refused> {
    let invalid = |reason: &str| Refused::new(Code::InvalidToken, "RFC 9449 section 7.1", reason);
    let bound = match (scheme, bound) {
        (Scheme::Bearer, None) => return Ok(()),
        (Scheme::Bearer, Some(_)) => {
            return Err(invalid("the token is bound to a key: send it as `DPoP` with a proof, not as `Bearer`"));
        }
        (Scheme::Dpop, None) => return Err(invalid("the token is bound to no key: send it as `Bearer`")),
        (Scheme::Dpop, Some(bound)) => bound,
    };
    let proof = input::single(presented.headers, &input::DPOP)?;
    let url = provider.url("/userinfo");
    let request = Request { method: presented.method.as_str(), url: &url, access_token: Some(token) };
    match proof::check(provider, proof.as_deref(), request)? {
        Some(key) if &*key == bound => Ok(()),
        Some(_) => Err(invalid("the DPoP proof is of another key than the one that the token is bound to")),
        None => Err(Refused::new(Code::InvalidDpopProof, "RFC 9449 section 7.1", "the request has no DPoP proof")),
    }
}
