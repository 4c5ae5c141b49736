//! People and clients that are made while the provider runs: each has an owner and a lifetime, so that a CI job cleans up
//! after itself, by one call or by doing nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::respond;
use super::sessions::end_everything_of;
use super::{answer, read, wrong};
use crate::config::{Client, check_client};
use crate::directory::{Guest, TooMany, User};
use crate::error::Refused;
use crate::journal::Note;
use crate::random;
use crate::state::Provider;
use crate::store::{Found, Key, Kind, REGISTERED_PREFIX, Registered};

/// As long as a job runs, and then some.
const USUAL_LIFETIME: i64 = 3_600;
/// What is needed for longer belongs in the configuration or the directory.
const MAX_LIFETIME: i64 = 7 * 24 * 3_600;
const MAX_NAME: usize = 256;

/// Somebody to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonaOrder {
    id: String,
    owner: String,
    #[serde(default)]
    lifetime_seconds: Option<i64>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    attributes: BTreeMap<String, Value>,
}

/// A client to be made, with the keys that one of the configuration has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientOrder {
    owner: String,
    #[serde(default)]
    lifetime_seconds: Option<i64>,
    client: Client,
}

/// `POST /control/v1/personas`.
pub(crate) async fn make_persona(State(provider): State<Arc<Provider>>, request: Request) -> Response {
    let order: PersonaOrder = match read(request).await {
        Ok(order) => order,
        Err(response) => return response,
    };
    match persona(&provider, order).await {
        Ok(guest) => {
            let note = Note::outcome("persona made").subject(&guest.user.id);
            respond::private_json(StatusCode::CREATED, &described(&guest), note)
        }
        Err(refused) => answer(&refused),
    }
}

async fn persona(provider: &Provider, order: PersonaOrder) -> Result<Guest, Refused> {
    let expires = expires(provider, &order.owner, order.lifetime_seconds)?;
    let id = order.id;
    if id.is_empty() || id.len() > MAX_NAME || id.chars().any(char::is_control) {
        return Err(wrong(format!("`id` must have 1 to {MAX_NAME} characters that can be shown")));
    }
    let known = provider.people.find(&id).await.map_err(|error| Provider::directory_down(&error))?;
    if known.is_some() {
        return Err(wrong(format!("there is a person `{id}` already")));
    }
    let PersonaOrder { owner, name, tenant, roles, attributes, .. } = order;
    let user = User { id, active: true, name, tenant, roles, attributes };
    // Whoever had this name before: nothing of theirs comes back to life.
    provider.store.ledger().forget_person(&user.id);
    let guest = Guest { user, owner, expires };
    provider
        .people
        .admit(guest.clone())
        .map_err(|TooMany| wrong("too many personas were made; end some, or wait until they expire"))?;
    Ok(guest)
}

/// `POST /control/v1/clients`.
pub(crate) async fn make_client(State(provider): State<Arc<Provider>>, request: Request) -> Response {
    let order: ClientOrder = match read(request).await {
        Ok(order) => order,
        Err(response) => return response,
    };
    match client(&provider, order) {
        Ok(made) => {
            let note = Note::outcome("client made").client(&made.found.id);
            respond::private_json(StatusCode::CREATED, &described_client(&made), note)
        }
        Err(refused) => answer(&refused),
    }
}

fn client(provider: &Provider, order: ClientOrder) -> Result<Registered, Refused> {
    let expires = expires(provider, &order.owner, order.lifetime_seconds)?;
    // The name is ours, and a new one each time: tokens of a client that is gone never belong to another one.
    let id = format!("{REGISTERED_PREFIX}{}", random::identifier().map_err(Refused::internal)?);
    check_client(&id, &order.client).map_err(|error| wrong(error.to_string()))?;
    // Nobody gets to know the token that would let a client manage itself (RFC 7592).
    let nobodys = random::bearer_value().map_err(Refused::internal)?;
    let made = Registered {
        found: Found { id: id.into(), client: Arc::new(order.client) },
        access_token: Key::of(Kind::RegistrationToken, &nobodys),
        owner: Some(order.owner),
        issued_at: provider.now(),
        expires,
        metadata: Value::Null,
    };
    if provider.store.clients.register(made.clone(), provider.now()) {
        return Ok(made);
    }
    Err(wrong("too many clients are registered; end some, or wait until they expire"))
}

fn expires(provider: &Provider, owner: &str, lifetime: Option<i64>) -> Result<i64, Refused> {
    if owner.is_empty() || owner.len() > MAX_NAME || owner.contains('/') || owner.chars().any(char::is_control) {
        return Err(wrong(format!("`owner` must have 1 to {MAX_NAME} characters that can be shown, and no slash")));
    }
    let lifetime = lifetime.unwrap_or(USUAL_LIFETIME);
    if !(1..=MAX_LIFETIME).contains(&lifetime) {
        return Err(wrong(format!("`lifetime_seconds` must be 1 to {MAX_LIFETIME}")));
    }
    Ok(provider.now().saturating_add(lifetime))
}

/// `GET /control/v1/owned`: what was made while the provider runs, by whom, and until when; clients that registered
/// themselves too.
pub(crate) async fn list(State(provider): State<Arc<Provider>>) -> Response {
    let personas: Vec<Value> = provider.people.guests().iter().map(described).collect();
    let clients: Vec<Value> =
        provider.store.clients.all_registered(provider.now()).iter().map(described_client).collect();
    let body = json!({ "personas": personas, "clients": clients });
    respond::private_json(StatusCode::OK, &body, Note::outcome("owned shown"))
}

/// `DELETE /control/v1/owned/{owner}`: everybody and every client of this owner is gone, with sessions and tokens.
pub(crate) async fn end(State(provider): State<Arc<Provider>>, Path(owner): Path<String>) -> Response {
    let personas = provider.people.end_of(&owner);
    let clients = provider.store.clients.unregister_of(&owner, provider.now());
    personas.iter().for_each(|id| end_everything_of(&provider, id));
    clients.iter().for_each(|id| provider.store.ledger().forget_client(id));
    let body = json!({ "personas": personas, "clients": clients });
    respond::private_json(StatusCode::OK, &body, Note::outcome("owned ended"))
}

fn described(guest: &Guest) -> Value {
    json!({ "id": guest.user.id, "owner": guest.owner, "expires": guest.expires })
}

/// Without secrets: whoever made the client knows them.
fn described_client(made: &Registered) -> Value {
    json!({ "client_id": *made.found.id, "owner": made.owner, "expires": made.expires })
}
