//! Token revocation (RFC 7009).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::authenticate::authenticate;
use super::input::Form;
use super::respond;
use crate::error::{Code, Refused};
use crate::flow::introspect;
use crate::journal::Note;
use crate::state::Provider;
use crate::store::{Key, Kind};

/// Ends a token. One that is not there is ended already (§2.2).
pub(crate) async fn post(State(provider): State<Arc<Provider>>, form: Form) -> Response {
    match revoke(&provider, &form).await {
        Ok((client_id, outcome)) => {
            let note = Note::outcome(outcome).client(&client_id).with(&form.parameters);
            respond::noted(StatusCode::OK.into_response(), note)
        }
        Err(refused) => respond::refused(&refused, Note::refused(&refused).with(&form.parameters)),
    }
}

async fn revoke(provider: &Provider, form: &Form) -> Result<(Arc<str>, &'static str), Refused> {
    form.parameters.unrepeated()?;
    let client = authenticate(provider, form).await?;
    let token = form.parameters.required("token", "RFC 7009 section 2.1")?;
    // `token_type_hint` is only a hint (§2.1): both kinds are looked for whatever it says.
    let outcome =
        if revoke_refresh_token(provider, &client.id, token)? || revoke_access_token(provider, &client.id, token)? {
            "revoked"
        } else {
            "nothing to revoke"
        };
    Ok((client.id, outcome))
}

/// With the refresh token goes the grant, and with the grant every access token of it (§2.1).
fn revoke_refresh_token(provider: &Provider, client_id: &str, token: &str) -> Result<bool, Refused> {
    let now = provider.now();
    let mut ledger = provider.store.ledger();
    let Some(record) = ledger.refresh_tokens.get(&Key::of(Kind::RefreshToken, token), now) else { return Ok(false) };
    own(&record.client_id, client_id)?;
    let grant = record.grant;
    ledger.revoke_grant(grant, now);
    Ok(true)
}

fn revoke_access_token(provider: &Provider, client_id: &str, token: &str) -> Result<bool, Refused> {
    let now = provider.now();
    let found = introspect::recognise(&provider.keys, &provider.store, token, now);
    let Some((key, record, _)) = found else { return Ok(false) };
    own(&record.client_id, client_id)?;
    provider.store.tokens.revoke(key, now);
    Ok(true)
}

/// Stops one client from logging the users of another out (§2.1).
fn own(owner: &str, client_id: &str) -> Result<(), Refused> {
    if owner == client_id {
        return Ok(());
    }
    Err(Refused::new(Code::InvalidGrant, "RFC 7009 section 2.1", "the token was issued to another client"))
}
