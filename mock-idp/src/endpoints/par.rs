//! The pushed authorization request endpoint (RFC 9126 §2).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::authenticate::authenticate;
use super::input::Form;
use super::{arrival, proof, respond};
use crate::error::{Code, Refused};
use crate::flow::authorize::{self, Arrival, Refusal};
use crate::flow::dpop::Request;
use crate::flow::form::Parameters;
use crate::flow::pushed::{self, Kept, LIFETIME};
use crate::journal::Note;
use crate::random;
use crate::state::Provider;

/// Takes a request from the client itself, checks all of it, and gives a reference for the browser.
pub(crate) async fn post(State(provider): State<Arc<Provider>>, form: Form) -> Response {
    let response = match push(&provider, &form).await {
        Ok((client_id, answer)) => {
            let note = Note::outcome("request pushed").with(&form.parameters).client(&client_id);
            respond::private_json(StatusCode::CREATED, &answer, note)
        }
        Err(refused) => respond::refused(&refused, Note::refused(&refused).with(&form.parameters)),
    };
    proof::with_nonce(&provider, response)
}

async fn push(provider: &Provider, form: &Form) -> Result<(Arc<str>, Value), Refused> {
    let outside = &form.parameters;
    outside.unrepeated()?;
    let client = authenticate(provider, form).await?;
    if outside.get("request_uri").is_some() {
        let reason = "`request_uri` must not be pushed: it is what this endpoint gives out";
        return Err(Refused::new(Code::InvalidRequest, "RFC 9126 section 2.1", reason));
    }
    let named = outside.clone().with("client_id", &client.id);
    let signed = outside.get("request").is_some();
    let inside = if signed { arrival::signed(provider, &named)? } else { named.without(&pushed::AUTHENTICATION) };
    let inside = bound(provider, form, inside)?;
    pushed::check_size(&inside)?;
    // RFC 9126 §2.1 item 3: wrong requests are refused here, before a browser comes.
    match authorize::parse(provider.front(), &inside, Arrival { pushed: true, signed }) {
        Ok(_) => {}
        Err(Refusal::Page(refused) | Refusal::Redirect { refused, .. }) => return Err(refused),
    }
    let value = random::bearer_value().map_err(Refused::internal)?;
    let kept = Kept { client_id: Arc::clone(&client.id), parameters: inside, signed };
    let uri = pushed::keep(&mut provider.store.ledger(), &value, kept, provider.now());
    Ok((client.id, json!({"request_uri": uri, "expires_in": LIFETIME})))
}

/// With the key of the proof that came along, if one did (RFC 9449 §10.1).
fn bound(provider: &Provider, form: &Form, inside: Parameters) -> Result<Parameters, Refused> {
    let url = provider.url("/par");
    let request = Request { method: "POST", url: &url, access_token: None };
    let Some(key) = proof::check(provider, form.dpop.as_deref(), request)? else { return Ok(inside) };
    if inside.get("dpop_jkt").is_some_and(|named| named != &*key) {
        let reason = "`dpop_jkt` is another key than that of the DPoP proof";
        return Err(Refused::new(Code::InvalidDpopProof, "RFC 9449 section 10.1", reason));
    }
    Ok(inside.with("dpop_jkt", &key))
}
