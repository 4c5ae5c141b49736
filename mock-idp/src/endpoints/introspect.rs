//! Token introspection (RFC 7662).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::authenticate::authenticate;
use super::input::Form;
use super::respond;
use crate::error::Refused;
use crate::flow::introspect;
use crate::journal::Note;
use crate::keys::TokenType;
use crate::state::Provider;

/// RFC 9701 §4.
const MEDIA_TYPE: &str = "application/token-introspection+jwt";

/// Says whether a token is good at this moment.
pub(crate) async fn post(State(provider): State<Arc<Provider>>, form: Form) -> Response {
    match answer(&provider, &form).await {
        Ok((client_id, answer)) => {
            let active = answer.get("active") == Some(&Value::Bool(true));
            let note = Note::outcome(if active { "active" } else { "inactive" }).client(&client_id);
            let subject = answer.get("sub").and_then(Value::as_str);
            let note = if let Some(subject) = subject { note.subject(subject) } else { note };
            let note = note.with(&form.parameters);
            if form.accept.as_deref().is_some_and(wants_jwt) {
                return signed(&provider, &client_id, &answer, note).await;
            }
            respond::private_json(StatusCode::OK, &answer, note)
        }
        Err(refused) => respond::refused(&refused, Note::refused(&refused).with(&form.parameters)),
    }
}

/// Whether the caller asks for a signed answer (RFC 9701 §4).
fn wants_jwt(accept: &str) -> bool {
    accept
        .split(',')
        .any(|range| range.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(MEDIA_TYPE)))
}

/// RFC 9701 §5: the answer is inside, so that nobody takes the JWT itself for the token it tells of.
async fn signed(provider: &Provider, client_id: &str, answer: &Value, note: Note) -> Response {
    let claims = json!({
        "iss": provider.config.issuer,
        "aud": client_id,
        "iat": provider.now(),
        "token_introspection": answer,
    });
    let key = provider.signer(None).await;
    match key.and_then(|key| key.sign(TokenType::Introspection, &claims).map_err(Refused::internal)) {
        Ok(token) => respond::text(MEDIA_TYPE, token, note),
        Err(refused) => respond::refused(&refused, Note::refused(&refused)),
    }
}

async fn answer(provider: &Provider, form: &Form) -> Result<(String, Value), Refused> {
    form.parameters.unrepeated()?;
    let client = authenticate(provider, form).await?;
    client.confidential()?;
    let token = form.parameters.required("token", "RFC 7662 section 2.1")?;
    Ok((client.id.to_string(), inspected(provider, token).await))
}

/// The answer for a token. A directory that is down makes every person's token inactive: fail closed.
async fn inspected(provider: &Provider, token: &str) -> Value {
    let issuer = &provider.config.issuer;
    let live = introspect::inspect(issuer, &provider.keys, &provider.store, token, provider.now());
    let Some(live) = live else { return introspect::inactive() };
    let Some(id) = live.user() else { return introspect::answer(&provider.config, &live, None) };
    match provider.people.find(id).await {
        Ok(Some(user)) if user.active => introspect::answer(&provider.config, &live, Some(&user)),
        Ok(_) => introspect::inactive(),
        Err(error) => {
            tracing::warn!(%error, "the directory gave no answer, the token counts as inactive");
            introspect::inactive()
        }
    }
}
