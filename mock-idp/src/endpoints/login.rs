//! The login page and what a person does on it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::cookie::Cookie;
use super::input::{self, Form};
use super::{authorize, confirm, guard};
use crate::config::Config;
use crate::directory::{FixedDirectory, User};
use crate::error::{Code, Refused};
use crate::flow::authorize::AuthorizationRequest;
use crate::flow::form::Parameters;
use crate::flow::steps::Chosen;
use crate::journal::Note;
use crate::pages::{self, LoginPage};
use crate::random;
use crate::state::Provider;
use crate::store::{Key, Kind, PendingLogin};

/// How long a login page can be answered.
const LOGIN_LIFETIME: i64 = 600;

/// Shows the page for a request, and ties the answer to this browser: a form that another browser or a foreign page
/// posts does not carry both the form's value and the cookie (login CSRF).
pub(crate) async fn show(
    provider: &Provider,
    headers: &HeaderMap,
    request: AuthorizationRequest,
    note: Note,
) -> Response {
    let (login, browser) = match open(provider, headers, &request) {
        Ok(opened) => opened,
        Err(refused) => return pages::error(&refused, Note::refused(&refused)),
    };
    let mut response = page(provider, &request, &login, Notice::none(), note).await;
    Cookie::Browser.set(&mut response, &provider.config.issuer, &browser);
    response
}

/// Asks a person who is logged in for what is still missing, on a page that is tied to this browser like the login page.
pub(crate) async fn ask(
    provider: &Provider,
    headers: &HeaderMap,
    request: AuthorizationRequest,
    chosen: Chosen,
    note: Note,
) -> Response {
    let (login, browser) = match open(provider, headers, &request) {
        Ok(opened) => opened,
        Err(refused) => return pages::error(&refused, Note::refused(&refused)),
    };
    let mut response = confirm::go_on(provider, &request, &login, chosen, note).await;
    Cookie::Browser.set(&mut response, &provider.config.issuer, &browser);
    response
}

/// Remembers that a page is shown for a request: its handle, and the browser's mark.
fn open(provider: &Provider, headers: &HeaderMap, request: &AuthorizationRequest) -> Result<(String, String), Refused> {
    let known = Cookie::Browser.read(headers, &provider.config.issuer).filter(|value| value.len() == 43);
    let login = random::bearer_value().map_err(Refused::internal)?;
    let browser = known.map_or_else(random::bearer_value, Ok).map_err(Refused::internal)?;
    let now = provider.now();
    let pending = PendingLogin { request: request.clone(), browser: Key::of(Kind::Browser, &browser), chosen: None };
    let deadline = now.saturating_add(LOGIN_LIFETIME);
    provider.store.ledger().logins.insert(Key::of(Kind::Login, &login), pending, deadline, now);
    Ok((login, browser))
}

/// Takes the answer to the page.
pub(crate) async fn post(State(provider): State<Arc<Provider>>, headers: HeaderMap, form: Form) -> Response {
    let pending = match pending(&provider, &headers, &form.parameters) {
        Ok(pending) => pending,
        Err(refused) => return pages::error(&refused, Note::refused(&refused).with(&form.parameters)),
    };
    let login = form.parameters.get("login").unwrap_or_default();
    let key = Key::of(Kind::Login, login);
    if form.parameters.get("decision") == Some("cancel") {
        provider.store.ledger().logins.take(&key, provider.now());
        return authorize::cancelled(&provider, &pending.request);
    }
    let name = form.parameters.get("username").unwrap_or_default();
    let user = match find(&provider, name).await {
        Ok(user) => user,
        Err((notice, note)) => {
            return page(&provider, &pending.request, login, notice, note.with(&form.parameters)).await;
        }
    };
    let chosen = Chosen { user: user.id, session: None, second_factor: false, consent: false };
    let note = Note::outcome("logged in, code issued").with(&form.parameters);
    confirm::go_on(&provider, &pending.request, login, chosen, note).await
}

/// The login that the form answers, if this browser was shown it.
pub(crate) fn pending(
    provider: &Provider,
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Result<PendingLogin, Refused> {
    parameters.unrepeated()?;
    if let Some(origin) = input::single(headers, &header::ORIGIN)?
        && !guard::is_our_origin(&provider.config, &origin)
    {
        return Err(foreign("the form came from a page of another origin"));
    }
    let login = parameters.required("login", "RFC 6749 section 10.12")?;
    let key = Key::of(Kind::Login, login);
    let pending = provider.store.ledger().logins.get(&key, provider.now()).cloned().ok_or_else(expired)?;
    let browser = Cookie::Browser.read(headers, &provider.config.issuer);
    match browser.map(|value| Key::of(Kind::Browser, &value)) {
        Some(browser) if browser == pending.browser => Ok(pending),
        Some(_) | None => Err(foreign("the form came from another browser than the one that was shown the login page")),
    }
}

async fn find(provider: &Provider, name: &str) -> Result<User, (Notice, Note)> {
    let notice = |status, text: String| Notice { status, text: Some(text) };
    match provider.people.find(name).await {
        Ok(Some(user)) if user.active => Ok(user),
        Ok(Some(_)) => Err((
            notice(StatusCode::FORBIDDEN, format!("{name} is not active in the directory and cannot log in.")),
            Note::outcome("person not active"),
        )),
        Ok(None) => Err((
            notice(StatusCode::FORBIDDEN, format!("There is nobody called “{name}” in the directory.")),
            Note::outcome("person unknown"),
        )),
        Err(error) => {
            let refused = Provider::directory_down(&error);
            let text = "The directory does not answer, so nobody can log in at the moment. Try again when it is up.";
            Err((notice(StatusCode::SERVICE_UNAVAILABLE, text.to_owned()), Note::refused(&refused)))
        }
    }
}

/// What the page says beside the cards.
struct Notice {
    status: StatusCode,
    text: Option<String>,
}

impl Notice {
    fn none() -> Self {
        Self { status: StatusCode::OK, text: None }
    }
}

async fn page(
    provider: &Provider,
    request: &AuthorizationRequest,
    login: &str,
    notice: Notice,
    note: Note,
) -> Response {
    let (people, down) = people(provider).await;
    let fallback =
        "The directory does not answer. These are the configured personas; nobody can log in until it is up.";
    let text = notice.text.or_else(|| down.then(|| fallback.to_owned()));
    let page = LoginPage::new(request, login, &people, text);
    pages::login(&page, notice.status, &request.redirect_uri, note.client(&request.client_id))
}

/// Whom to show: the directory's people, or the configured ones while it is down.
pub(crate) async fn people(provider: &Provider) -> (Vec<User>, bool) {
    match provider.people.list().await {
        Ok(users) => (users, false),
        Err(error) => {
            tracing::warn!(%error, "the directory gave no list of people");
            (configured(&provider.config), true)
        }
    }
}

fn configured(config: &Config) -> Vec<User> {
    FixedDirectory::new(&config.personas).users()
}

pub(crate) fn expired() -> Refused {
    Refused::new(
        Code::InvalidRequest,
        "RFC 6749 section 4.1.1",
        "this login page is unknown, expired or answered already; go back to the application and start again",
    )
}

fn foreign(reason: &str) -> Refused {
    Refused::new(Code::AccessDenied, "RFC 6749 section 10.12", reason)
}
