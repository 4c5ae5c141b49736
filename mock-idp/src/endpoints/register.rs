//! Clients that register themselves, and manage what they registered (RFC 7591, RFC 7592).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::{input, respond};
use crate::config::Registration;
use crate::error::{Code, Refused};
use crate::flow::bearer;
use crate::flow::registration::{self, Metadata};
use crate::journal::Note;
use crate::random;
use crate::secret::Secret;
use crate::state::Provider;
use crate::store::{Found, Key, Kind, REGISTERED_PREFIX, Registered};

/// `POST /register` (RFC 7591 §3.1).
pub(crate) async fn post(State(provider): State<Arc<Provider>>, request: Request) -> Response {
    let headers = request.headers().clone();
    let body = match input::body(request, &()).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    answer(create(&provider, &headers, &body), StatusCode::CREATED, "client registered")
}

/// `GET /register/{id}` (RFC 7592 §2.1).
pub(crate) async fn get(State(provider): State<Arc<Provider>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let read = owned(&provider, &id, &headers).map(|registered| (registered.found.id, registered.metadata));
    answer(read, StatusCode::OK, "registration read")
}

/// `PUT /register/{id}` (RFC 7592 §2.2).
pub(crate) async fn put(State(provider): State<Arc<Provider>>, Path(id): Path<String>, request: Request) -> Response {
    let headers = request.headers().clone();
    let body = match input::body(request, &()).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    answer(update(&provider, &id, &headers, &body), StatusCode::OK, "registration changed")
}

/// `DELETE /register/{id}` (RFC 7592 §2.3): the client is gone, and its tokens with it.
pub(crate) async fn delete(
    State(provider): State<Arc<Provider>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    match owned(&provider, &id, &headers) {
        Ok(registered) => {
            provider.store.clients.unregister(&id, provider.now());
            provider.store.ledger().forget_client(&id);
            let note = Note::outcome("client unregistered").client(&registered.found.id);
            respond::noted(StatusCode::NO_CONTENT.into_response(), note)
        }
        Err(refused) => refuse(&refused),
    }
}

fn answer(outcome: Result<(Arc<str>, Value), Refused>, status: StatusCode, words: &'static str) -> Response {
    match outcome {
        Ok((id, body)) => respond::private_json(status, &body, Note::outcome(words).client(&id)),
        Err(refused) => refuse(&refused),
    }
}

fn refuse(refused: &Refused) -> Response {
    match refused.code {
        Code::InvalidToken => respond::bearer_challenge(Some(refused)),
        _ => respond::refused(refused, Note::refused(refused)),
    }
}

fn create(provider: &Provider, headers: &HeaderMap, body: &Bytes) -> Result<(Arc<str>, Value), Refused> {
    let settings = settings(provider)?;
    let owner = owner(settings, headers)?;
    let metadata = metadata(headers, body)?;
    let now = provider.now();
    let id = random::identifier().map_err(Refused::internal)?;
    let access_token = random::bearer_value().map_err(Refused::internal)?;
    let draft = Draft {
        id: format!("{REGISTERED_PREFIX}{id}").into(),
        access_token: Key::of(Kind::RegistrationToken, &access_token),
        owner,
        issued_at: now,
        expires: now.saturating_add(i64::from(settings.lifetime_seconds)),
        secret: None,
    };
    let (id, mut answer) = keep(provider, settings, draft, &metadata)?;
    if let Some(members) = answer.as_object_mut() {
        members.insert("registration_access_token".to_owned(), Value::from(access_token));
    }
    Ok((id, answer))
}

fn update(provider: &Provider, id: &str, headers: &HeaderMap, body: &Bytes) -> Result<(Arc<str>, Value), Refused> {
    let settings = settings(provider)?;
    let registered = owned(provider, id, headers)?;
    let metadata = metadata(headers, body)?;
    if metadata.client_id.as_deref() != Some(id) {
        return Err(registration::wrong("`client_id` must be the one that was given out"));
    }
    // RFC 7592 §2.2: a client cannot choose its own secret.
    let secret = registered.found.client.secret.clone();
    let sent = metadata.client_secret.as_deref();
    if sent.is_some_and(|sent| !secret.as_ref().is_some_and(|secret| secret.matches(sent))) {
        return Err(registration::wrong("`client_secret` is not the one that was given out"));
    }
    let draft = Draft {
        id: registered.found.id,
        access_token: registered.access_token,
        owner: registered.owner,
        issued_at: registered.issued_at,
        expires: registered.expires,
        secret,
    };
    keep(provider, settings, draft, &metadata)
}

/// A client on paper.
struct Draft {
    id: Arc<str>,
    access_token: Key,
    owner: Option<String>,
    issued_at: i64,
    expires: i64,
    secret: Option<Secret>,
}

/// Writes a client down and says what was written, with the secret that only its owner sees.
fn keep(
    provider: &Provider,
    settings: &Registration,
    draft: Draft,
    metadata: &Metadata,
) -> Result<(Arc<str>, Value), Refused> {
    let mut client = registration::client(metadata, &settings.scopes)?;
    if registration::needs_secret(&client) {
        let fresh = || random::bearer_value().map(Secret::new).map_err(Refused::internal);
        client.secret = Some(draft.secret.map_or_else(fresh, Ok)?);
    }
    let mut description = registration::registered(metadata, &client);
    if let Some(members) = description.as_object_mut() {
        members.retain(|_, value| !value.is_null());
        members.insert("client_id".to_owned(), Value::from(&*draft.id));
        members.insert("client_id_issued_at".to_owned(), Value::from(draft.issued_at));
        members.insert(
            "registration_client_uri".to_owned(),
            Value::from(provider.url(&format!("/register/{}", draft.id))),
        );
        members.insert("client_expires_at".to_owned(), Value::from(draft.expires));
        if let Some(owner) = &draft.owner {
            members.insert("owner".to_owned(), Value::from(owner.as_str()));
        }
    }
    let mut answer = description.clone();
    if let (Some(members), Some(secret)) = (answer.as_object_mut(), &client.secret) {
        members.insert("client_secret".to_owned(), Value::from(secret.expose()));
        members.insert("client_secret_expires_at".to_owned(), Value::from(draft.expires));
    }
    let registered = Registered {
        found: Found { id: Arc::clone(&draft.id), client: Arc::new(client) },
        access_token: draft.access_token,
        owner: draft.owner,
        issued_at: draft.issued_at,
        expires: draft.expires,
        metadata: description,
    };
    if provider.store.clients.register(registered, provider.now()) {
        return Ok((draft.id, answer));
    }
    let reason = "too many clients are registered; delete some, or wait until they expire";
    Err(Refused::new(Code::TemporarilyUnavailable, "RFC 7591 section 5", reason))
}

fn settings(provider: &Provider) -> Result<&Registration, Refused> {
    provider.config.registration.as_ref().ok_or_else(|| {
        Refused::new(
            Code::NotFound,
            "RFC 7591 section 3",
            "registration is off; set `registration` in the configuration",
        )
    })
}

/// Whose initial access token came along (RFC 7591 §3).
fn owner(settings: &Registration, headers: &HeaderMap) -> Result<Option<String>, Refused> {
    let invalid = |reason: &str| Refused::new(Code::InvalidToken, "RFC 7591 section 3", reason);
    let Some(authorization) = input::single(headers, &header::AUTHORIZATION)? else {
        return if settings.open { Ok(None) } else { Err(invalid("registration needs an initial access token")) };
    };
    let token = bearer::token(&authorization).unwrap_or_default();
    let owner = settings.initial_access_tokens.iter().find(|(_, secret)| secret.matches(token));
    owner.map(|(owner, _)| Some(owner.clone())).ok_or_else(|| invalid("this is no initial access token"))
}

fn metadata(headers: &HeaderMap, body: &Bytes) -> Result<Metadata, Refused> {
    if input::media_type(headers).as_deref() != Some("application/json") {
        return Err(registration::wrong("the body must be `application/json`"));
    }
    registration::parse(body)
}

/// The client, if its registration access token came along. One answer for all that is wrong: nobody learns which
/// clients there are (RFC 7592 §2).
fn owned(provider: &Provider, id: &str, headers: &HeaderMap) -> Result<Registered, Refused> {
    let invalid = || {
        let reason = "this is not the registration access token of this client, or the client is gone";
        Refused::new(Code::InvalidToken, "RFC 7592 section 2", reason)
    };
    settings(provider)?;
    let authorization = input::single(headers, &header::AUTHORIZATION)?.ok_or_else(invalid)?;
    let token = bearer::token(&authorization).ok_or_else(invalid)?;
    let registered = provider.store.clients.registered(id, provider.now()).ok_or_else(invalid)?;
    if registered.access_token == Key::of(Kind::RegistrationToken, token) { Ok(registered) } else { Err(invalid()) }
}
