//! Token introspection (RFC 7662).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::input::Form;
use super::respond;
use crate::error::Refused;
use crate::flow::client::authenticate;
use crate::flow::introspect;
use crate::journal::Note;
use crate::state::Provider;

/// Says whether a token is good at this moment.
pub(crate) async fn post(State(provider): State<Arc<Provider>>, form: Form) -> Response {
    match answer(&provider, &form).await {
        Ok((client_id, answer)) => {
            let active = answer.get("active") == Some(&Value::Bool(true));
            let note = Note::outcome(if active { "active" } else { "inactive" }).client(&client_id);
            let subject = answer.get("sub").and_then(Value::as_str);
            let note = if let Some(subject) = subject { note.subject(subject) } else { note };
            respond::private_json(StatusCode::OK, &answer, note.with(&form.parameters))
        }
        Err(refused) => respond::refused(&refused, Note::refused(&refused).with(&form.parameters)),
    }
}

async fn answer(provider: &Provider, form: &Form) -> Result<(String, Value), Refused> {
    form.parameters.unrepeated()?;
    let client =
        authenticate(&provider.config.clients, form.authorization.as_deref(), &form.parameters, &provider.leniency())?;
    client.confidential()?;
    let token = form.parameters.required("token", "RFC 7662 section 2.1")?;
    Ok((client.id.to_owned(), inspected(provider, token).await))
}

/// The answer for a token. A directory that is down makes every person's token inactive: fail closed.
async fn inspected(provider: &Provider, token: &str) -> Value {
    let issuer = &provider.config.issuer;
    let live = introspect::inspect(issuer, &provider.keys, &provider.store, token, provider.now());
    let Some(live) = live else { return introspect::inactive() };
    let Some(id) = live.user() else { return introspect::answer(&provider.config, &live, None) };
    match provider.directory.find(id).await {
        Ok(Some(user)) if user.active => introspect::answer(&provider.config, &live, Some(&user)),
        Ok(_) => introspect::inactive(),
        Err(error) => {
            tracing::warn!(%error, "the directory gave no answer, the token counts as inactive");
            introspect::inactive()
        }
    }
}
