//! The end of a session: asked for by a client, told to all clients of the session.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use url::Url;

use super::cookie::Cookie;
use super::input::{self, Form};
use super::{backchannel, guard, respond};
use crate::error::{Code, Refused};
use crate::flow::form::Parameters;
use crate::flow::logout::{self, LogoutRequest};
use crate::journal::Note;
use crate::pages;
use crate::state::Provider;
use crate::store::{Key, Kind, Session};

/// The logout as a link (OpenID Connect RP-Initiated Logout 1.0 §2).
pub(crate) async fn get(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes());
    end(&provider, &headers, &parameters)
}

/// The logout as a form, of a client or of our own question.
pub(crate) async fn post(State(provider): State<Arc<Provider>>, headers: HeaderMap, form: Form) -> Response {
    end(&provider, &headers, &form.parameters)
}

fn end(provider: &Arc<Provider>, headers: &HeaderMap, parameters: &Parameters) -> Response {
    let (issuer, clients) = (&provider.config.issuer, &provider.store.clients);
    let parsed = logout::parse(issuer, &provider.keys, clients, parameters, provider.now());
    let request = match parsed {
        Ok(request) => request,
        Err(refused) => return pages::error(&refused, Note::refused(&refused).with(parameters)),
    };
    let note = |outcome| {
        let note = Note::outcome(outcome).with(parameters);
        match &request.client_id {
            Some(client) => note.client(client),
            None => note,
        }
    };
    let now = provider.now();
    let cookie = Cookie::Session.read(headers, &provider.config.issuer);
    let current = cookie.and_then(|value| provider.store.ledger().live_session(Key::of(Kind::Session, &value), now));
    let hinted = request.sid.as_deref().and_then(|sid| provider.store.ledger().session_named(sid, now));
    let session = match (hinted, current) {
        (Some(session), _) => Some(session),
        // Without a token of the session anybody could have made this link: the person is asked (§2, §6).
        (None, Some(session)) if request.sid.is_none() => match answered(provider, headers, parameters) {
            Ok(Answer::Yes) => Some(session),
            Ok(Answer::No) => return left(&request, None, note("logout declined")),
            Ok(Answer::NotYet) => return pages::ask_logout(&session.user, parameters, note("logout question shown")),
            Err(refused) => return pages::error(&refused, Note::refused(&refused)),
        },
        (None, _) => None,
    };
    match session {
        Some(session) => {
            let note = note("logged out").subject(&session.user);
            let frames = over(provider, &session);
            left(&request, Some(frames), note)
        }
        None => left(&request, None, note("nobody was logged in")),
    }
}

/// What the person said to the question.
enum Answer {
    Yes,
    No,
    NotYet,
}

fn answered(provider: &Provider, headers: &HeaderMap, parameters: &Parameters) -> Result<Answer, Refused> {
    let Some(said) = parameters.get("decision") else { return Ok(Answer::NotYet) };
    let ours =
        input::single(headers, &header::ORIGIN)?.is_some_and(|origin| guard::is_our_origin(&provider.config, &origin));
    if !ours {
        let reason = "the answer did not come from our own page";
        return Err(Refused::new(Code::AccessDenied, "RFC 6749 section 10.12", reason));
    }
    Ok(if said == "logout" { Answer::Yes } else { Answer::No })
}

/// Ends the session and gives what the browser has to load so that clients end theirs (Front-Channel Logout 1.0 §2).
fn over(provider: &Arc<Provider>, session: &Session) -> Vec<String> {
    let clients: BTreeSet<Arc<str>> = {
        let mut ledger = provider.store.ledger();
        let clients = ledger.clients_of(session, provider.now());
        ledger.end_session(session);
        clients
    };
    backchannel::notify(provider, session, &clients);
    let now = provider.now();
    let registered = clients.iter().filter_map(|id| provider.store.clients.find(id, now));
    let uris = registered.filter_map(|found| found.client.frontchannel_logout_uri.clone());
    let with_session = |uri: String| {
        let mut url = Url::parse(&uri).ok()?;
        url.query_pairs_mut().append_pair("iss", &provider.config.issuer).append_pair("sid", &session.sid);
        Some(url.to_string())
    };
    uris.filter_map(with_session).collect()
}

fn left(request: &LogoutRequest, frames: Option<Vec<String>>, note: Note) -> Response {
    let frames = frames.unwrap_or_default();
    match &request.destination {
        Some(destination) if frames.is_empty() => respond::redirect(destination, note),
        destination => pages::logged_out(&frames, destination.as_deref(), note),
    }
}
