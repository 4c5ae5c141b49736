//! The authorization endpoint (RFC 6749 §3.1).

use std::sync::Arc;

use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::cookie::Cookie;
use super::{arrival, front_channel, input, login, respond};
use crate::directory::User;
use crate::error::{Code, Refused};
use crate::flow::authorize::{self, AuthorizationRequest, Next, Prompt, Refusal, ReturnAddress};
use crate::flow::code;
use crate::flow::form::Parameters;
use crate::flow::response_type::ResponseType;
use crate::flow::steps::{self, Chosen};
use crate::journal::Note;
use crate::pages;
use crate::random;
use crate::state::Provider;
use crate::store::{Key, Kind, Session};

/// A working day.
const SESSION_LIFETIME: i64 = 12 * 3_600;

/// An authorization request as a link.
pub(crate) async fn get(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    begin(&provider, &headers, &Parameters::parse(query.unwrap_or_default().as_bytes())).await
}

/// An authorization request as a form (OpenID Connect Core §3.1.2.1).
pub(crate) async fn post(State(provider): State<Arc<Provider>>, request: Request) -> Response {
    let headers = request.headers().clone();
    match input::body(request, &()).await {
        Ok(body) => begin(&provider, &headers, &Parameters::parse(&body)).await,
        Err(response) => response,
    }
}

async fn begin(provider: &Provider, headers: &HeaderMap, parameters: &Parameters) -> Response {
    let note = |note: Note| note.with(parameters);
    let (inside, arrival) = match arrival::unpack(provider, parameters).await {
        Ok(unpacked) => unpacked,
        Err(refused) => return pages::error(&refused, note(Note::refused(&refused))),
    };
    let parameters = &inside;
    let note = |note: Note| note.with(parameters);
    let request = match authorize::parse(provider.front(), parameters, arrival) {
        Ok(request) => request,
        Err(Refusal::Page(refused)) => return pages::error(&refused, note(Note::refused(&refused))),
        Err(Refusal::Redirect { to, refused }) => {
            return refuse(provider, &to, &refused, note(Note::refused(&refused)));
        }
    };
    match decide(provider, headers, &request).await {
        Ok(Decision::Page) => login::show(provider, headers, request, note(Note::outcome("login page shown"))).await,
        Ok(Decision::Go(chosen)) => {
            let step = steps::next(provider.front(), &provider.store.ledger(), &request, &chosen);
            match step {
                None => finish(provider, &request, chosen, note(Note::outcome("code issued"))).await,
                Some(step) if request.prompt == Prompt::Never => {
                    let refused = steps::required(step);
                    let note = note(Note::refused(&refused));
                    refuse(provider, &request.return_address(), &refused, note)
                }
                Some(_) => login::ask(provider, headers, request, chosen, note(Note::outcome("question shown"))).await,
            }
        }
        Err(refused) => {
            let note = note(Note::refused(&refused));
            refuse(provider, &request.return_address(), &refused, note)
        }
    }
}

/// What [`Next`] becomes once the directory was asked.
enum Decision {
    Page,
    Go(Chosen),
}

async fn decide(provider: &Provider, headers: &HeaderMap, request: &AuthorizationRequest) -> Result<Decision, Refused> {
    let cookie = Cookie::Session.read(headers, &provider.config.issuer);
    let session =
        cookie.and_then(|value| provider.store.ledger().live_session(Key::of(Kind::Session, &value), provider.now()));
    match authorize::next(request, session, provider.now()) {
        Next::ShowLogin => Ok(Decision::Page),
        Next::Refuse(refused) => Err(refused),
        Next::LogIn(id) => {
            let user = active(provider, &id).await?.ok_or_else(|| gone(&id))?;
            // A script has no second factor at hand; it logs in as whom it names, with everything passed but consent.
            Ok(Decision::Go(Chosen { user: user.id, session: None, second_factor: true, consent: false }))
        }
        Next::Continue(session) => match active(provider, &session.user).await? {
            Some(user) => {
                let chosen = Chosen { user: user.id, session: Some(session), second_factor: false, consent: false };
                Ok(Decision::Go(chosen))
            }
            None if request.prompt == Prompt::Never => Err(gone(&session.user)),
            None => Ok(Decision::Page),
        },
    }
}

async fn active(provider: &Provider, id: &str) -> Result<Option<User>, Refused> {
    let found = provider.people.find(id).await.map_err(|error| Provider::directory_down(&error))?;
    Ok(found.filter(|user| user.active))
}

/// Answers the request of a person of whom nothing more is asked, in the session that goes on or in a new one.
pub(crate) async fn finish(
    provider: &Provider,
    request: &AuthorizationRequest,
    chosen: Chosen,
    note: Note,
) -> Response {
    if let Err(refused) = authorize::about(request, &chosen.user) {
        return failed(provider, request, &refused);
    }
    match chosen.session {
        Some(session) => answer(provider, request, session, note).await,
        None => log_in(provider, request, &chosen, note).await,
    }
}

/// Refuses a person who went between choosing and agreeing.
pub(crate) async fn still_there(provider: &Provider, id: &str) -> Result<(), Refused> {
    active(provider, id).await?.map(drop).ok_or_else(|| gone(id))
}

fn gone(id: &str) -> Refused {
    authorize::login_required(format!("the person `{id}` is unknown or not active"))
}

/// Begins a session for a person and answers the request. Always a new session: one that was there before the login may
/// have been planted (session fixation).
async fn log_in(provider: &Provider, request: &AuthorizationRequest, chosen: &Chosen, note: Note) -> Response {
    let now = provider.now();
    let values = random::bearer_value().and_then(|cookie| Ok((cookie, random::identifier()?)));
    let (cookie, sid) = match values {
        Ok(values) => values,
        Err(error) => return failed(provider, request, &Refused::internal(error)),
    };
    let session = {
        let acr = authorize::reached(&provider.config, request);
        let mut ledger = provider.store.ledger();
        let serial = ledger.next_serial();
        let session = Session {
            user: chosen.user.as_str().into(),
            auth_time: now,
            sid: sid.into(),
            serial,
            acr,
            second_factor: chosen.second_factor && steps::takes_second_factor(&provider.config, request),
        };
        let deadline = now.saturating_add(SESSION_LIFETIME);
        ledger.sessions.insert(Key::of(Kind::Session, &cookie), session.clone(), deadline, now);
        session
    };
    let mut response = answer(provider, request, session, note).await;
    Cookie::Session.set(&mut response, &provider.config.issuer, &cookie);
    response
}

/// The successful answer, with the issuer in it (RFC 9207 §2: stops mix-up).
async fn answer(provider: &Provider, request: &AuthorizationRequest, session: Session, note: Note) -> Response {
    let code = match random::bearer_value() {
        Ok(code) => code,
        Err(error) => return failed(provider, request, &Refused::internal(error)),
    };
    let (note, now) = (note.client(&request.client_id).subject(&session.user), provider.now());
    let (grant, code) = if request.response.code {
        let grant = code::give(&mut provider.store.ledger(), request, session.clone(), &code, now);
        (grant, Some(code.as_str()))
    } else {
        (code::open(&mut provider.store.ledger(), request, &session, now), None)
    };
    let tokens = match request.response {
        ResponseType::CODE => Vec::new(),
        _ => match front_channel::tokens(provider, request, &session, (grant, code)).await {
            Ok(tokens) => tokens,
            Err(refused) => return failed(provider, request, &refused),
        },
    };
    let mut parameters: Vec<(&str, &str)> = code.map(|code| ("code", code)).into_iter().collect();
    parameters.extend(tokens.iter().map(|(name, value)| (*name, value.as_str())));
    parameters.extend(request.state.as_deref().map(|state| ("state", state)));
    parameters.push(("iss", &provider.config.issuer));
    respond::redirect(&request.return_address().with(&parameters), note)
}

fn failed(provider: &Provider, request: &AuthorizationRequest, refused: &Refused) -> Response {
    refuse(provider, &request.return_address(), refused, Note::refused(refused))
}

/// The answer to a refused request, at the client (RFC 6749 §4.1.2.1).
pub(crate) fn refuse(provider: &Provider, to: &ReturnAddress, refused: &Refused, note: Note) -> Response {
    let description = refused.description();
    let mut parameters = vec![("error", refused.code.as_str()), ("error_description", description.as_str())];
    parameters.extend(to.state.as_deref().map(|state| ("state", state)));
    parameters.push(("iss", &provider.config.issuer));
    respond::redirect(&to.with(&parameters), note)
}

/// The answer to a person who did not want to log in.
pub(crate) fn cancelled(provider: &Provider, request: &AuthorizationRequest) -> Response {
    let refused = Refused::new(Code::AccessDenied, "RFC 6749 section 4.1.2.1", "the person cancelled the login");
    failed(provider, request, &refused)
}

/// The status of a page that explains a refusal to a person.
pub(crate) fn page_status(refused: &Refused) -> StatusCode {
    respond::status(refused.code)
}
