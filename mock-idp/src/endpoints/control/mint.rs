//! A token to order.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::super::respond;
use super::{answer, read, wrong};
use crate::config::TokenFormat;
use crate::directory::User;
use crate::error::Refused;
use crate::flow::broken::{self, Broken};
use crate::flow::code::GRANT_LIFETIME;
use crate::flow::mint::{self, Draft, MintRequest, Signature};
use crate::journal::Note;
use crate::random;
use crate::state::Provider;
use crate::store::{Holder, Key, Kind, RefreshRecord, Session, Terms, TokenRecord};

/// `POST /control/v1/tokens`: an access token for a persona, good or broken as ordered.
pub(crate) async fn mint(State(provider): State<Arc<Provider>>, request: Request) -> Response {
    let request: MintRequest = match read(request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    match minted(&provider, request).await {
        Ok((answer, persona)) => {
            respond::private_json(StatusCode::CREATED, &answer, Note::outcome("token minted").subject(&persona))
        }
        Err(refused) => answer(&refused),
    }
}

/// `GET /control/v1/tokens/catalogue`: every named way to break a token.
pub(crate) async fn catalogue() -> Response {
    respond::private_json(StatusCode::OK, &json!({ "broken": broken::CATALOGUE }), Note::outcome("catalogue shown"))
}

async fn minted(provider: &Provider, request: MintRequest) -> Result<(Value, String), Refused> {
    let found = provider.people.find(&request.persona).await.map_err(|error| Provider::directory_down(&error))?;
    let user = found.ok_or_else(|| wrong(format!("there is no persona `{}`", request.persona)))?;
    let token_id = random::identifier().map_err(Refused::internal)?;
    let broken = request.broken;
    let draft = mint::draft(provider.front(), request, &user, token_id)?;
    let token = match broken {
        Some(Broken::RefreshToken) => refresh_token(provider, &draft, &user.id)?,
        broken => written(provider, &draft, &user, broken).await?,
    };
    let answer = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": draft.expires_in,
        "jti": draft.token_id,
    });
    Ok((answer, user.id))
}

/// Signs the token, or draws an opaque one, and remembers it as a granted one would be.
async fn written(provider: &Provider, draft: &Draft, user: &User, broken: Option<Broken>) -> Result<String, Refused> {
    let sound =
        draft.signature == Signature::Valid && draft.header.is_empty() && broken.is_none() && draft.payload.is_none();
    let (token, key, claims) = match provider.config.access_token.format {
        TokenFormat::Jwt => {
            let token = signed(provider, draft, broken).await?;
            (token, Key::of(Kind::TokenIdentifier, &draft.token_id), None)
        }
        TokenFormat::Opaque if sound => {
            let token = random::bearer_value().map_err(Refused::internal)?;
            let key = Key::of(Kind::OpaqueToken, &token);
            (token, key, mint::opaque_claims(draft).map(Box::new))
        }
        TokenFormat::Opaque => {
            return Err(wrong("access tokens are opaque here: there is no header, payload or signature to change"));
        }
    };
    let serial = provider.store.ledger().next_serial();
    let holder = Holder::Minted { user: user.id.as_str().into(), serial };
    let record = TokenRecord { holder, client_id: draft.client_id.as_str().into(), revoked: false, claims };
    provider.store.tokens.insert(key, record, draft.deadline, provider.now());
    Ok(token)
}

async fn signed(provider: &Provider, draft: &Draft, broken: Option<Broken>) -> Result<String, Refused> {
    let key = provider.signer(draft.algorithm).await?;
    let other = provider.other_key(key.algorithm()).await?;
    match broken {
        None => mint::sign(draft, &key, &other).map_err(Refused::internal),
        Some(broken) => broken::token(broken, draft, &key, &other, provider.now()).map_err(Refused::internal),
    }
}

/// A refresh token that works, given where an access token belongs.
fn refresh_token(provider: &Provider, draft: &Draft, user: &str) -> Result<String, Refused> {
    let now = provider.now();
    let token = random::bearer_value().map_err(Refused::internal)?;
    let sid = random::identifier().map_err(Refused::internal)?;
    let mut ledger = provider.store.ledger();
    let serial = ledger.next_serial();
    let (user, sid) = (user.into(), sid.into());
    let session = Session { user, auth_time: now, sid, serial, acr: None, second_factor: false };
    let deadline = now.saturating_add(GRANT_LIFETIME);
    let grant = ledger.open_grant(&session, &draft.client_id, deadline, now);
    let scope = draft.claims.get("scope").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (client_id, terms) = (draft.client_id.clone(), Terms::default());
    let record = RefreshRecord { client_id, scope, session, grant, used_at: None, terms };
    ledger.refresh_tokens.insert(Key::of(Kind::RefreshToken, &token), record, deadline, now);
    Ok(token)
}
