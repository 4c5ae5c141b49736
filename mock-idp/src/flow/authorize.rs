//! The authorization request: is it one, and what happens next (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2).
//!
//! Must not know pages or cookies.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use url::{Host, Url};

use super::form::Parameters;
use super::{pkce, scope};
use crate::config::{Client, Grant};
use crate::error::{Code, Refused};
use crate::findings::{Leniency, Relaxation};
use crate::store::Session;

/// An authorization request that is right in every respect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuthorizationRequest {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) scope: String,
    pub(crate) challenge: String,
    pub(crate) prompt: Prompt,
    /// `prompt=consent`: the person is asked whatever was agreed before.
    pub(crate) ask_consent: bool,
    pub(crate) max_age: Option<i64>,
    pub(crate) login_hint: Option<String>,
}

/// What the client wants the person to see (OpenID Connect Core §3.1.2.1 `prompt`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// The page if it is needed.
    WhenNeeded,
    /// No page, whatever it costs.
    Never,
    /// The page in any case.
    Always,
}

/// Where a wrong request is answered (RFC 6749 §4.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// On a page: client or redirect URI are not known to be right, so sending the browser there helps an attacker.
    Page(Refused),
    /// To the client.
    Redirect { redirect_uri: String, state: Option<String>, refused: Refused },
}

/// What happens with a right request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Ask who it is.
    ShowLogin,
    /// Go on with the person who is logged in.
    Continue(Session),
    /// Log this person in without a page: `prompt=none` with a `login_hint`, for scripts. A real provider has no such
    /// thing; here everybody may be everybody anyway.
    LogIn(String),
    /// The client wanted no page, and it would take one.
    Refuse(Refused),
}

/// Reads an authorization request.
pub(crate) fn parse(
    clients: &BTreeMap<String, Client>,
    parameters: &Parameters,
    leniency: &Leniency<'_>,
) -> Result<AuthorizationRequest, Refusal> {
    let (client_id, client, redirect_uri) = destination(clients, parameters, leniency).map_err(Refusal::Page)?;
    let state = parameters.get("state").map(str::to_owned);
    request(client_id, client, parameters, leniency).map_err(|refused| Refusal::Redirect {
        redirect_uri: redirect_uri.to_owned(),
        state,
        refused,
    })
}

/// The client and the redirect URI, which must be right before anything is sent there.
fn destination<'a>(
    clients: &'a BTreeMap<String, Client>,
    parameters: &'a Parameters,
    leniency: &Leniency<'_>,
) -> Result<(&'a str, &'a Client, &'a str), Refused> {
    let id = parameters.required("client_id", "RFC 6749 section 4.1.1")?;
    let (id, client) = clients.get_key_value(id).ok_or_else(|| {
        Refused::new(
            Code::InvalidRequest,
            "RFC 6749 section 2.2",
            format!("there is no client `{id}`; register it in the configuration"),
        )
    })?;
    let redirect_uri = parameters.required("redirect_uri", "RFC 6749 section 4.1.1")?;
    if !client.redirect_uris.iter().any(|registered| registered == redirect_uri) {
        let reason = format!(
            "the redirect URI `{redirect_uri}` is not registered for the client `{id}`; it is compared character by \
             character: {}",
            if client.redirect_uris.is_empty() {
                "none is registered".to_owned()
            } else {
                client.redirect_uris.join(", ")
            }
        );
        let refused = Refused::new(Code::InvalidRequest, "RFC 9700 section 2.1", reason);
        // Elsewhere than on this machine it would be an open redirector, whatever the mode.
        if !is_loopback(redirect_uri) {
            return Err(refused);
        }
        leniency.let_through(Relaxation::UnregisteredRedirectUri, id, refused)?;
    }
    Ok((id, client, redirect_uri))
}

fn is_loopback(uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else { return false };
    let host_is_ours = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    host_is_ours && matches!(url.scheme(), "http" | "https") && url.fragment().is_none() && url.username().is_empty()
}

fn request(
    client_id: &str,
    client: &Client,
    parameters: &Parameters,
    leniency: &Leniency<'_>,
) -> Result<AuthorizationRequest, Refused> {
    parameters.unrepeated()?;
    short(parameters)?;
    unsupported(parameters)?;
    match parameters.required("response_type", "RFC 6749 section 4.1.1")? {
        "code" => {}
        _ => {
            return Err(Refused::new(
                Code::UnsupportedResponseType,
                "RFC 9700 section 2.1.2",
                "`response_type` must be `code`: tokens in a redirect leak, so the implicit flow does not exist here",
            ));
        }
    }
    if !client.grants.contains(&Grant::AuthorizationCode) {
        let refused = Refused::new(
            Code::UnauthorizedClient,
            "RFC 6749 section 4.1.2.1",
            format!("the client `{client_id}` is not registered for the grant type `authorization_code`"),
        );
        leniency.let_through(Relaxation::UnregisteredGrant, client_id, refused)?;
    }
    let (challenge, method) = (parameters.get("code_challenge"), parameters.get("code_challenge_method"));
    let challenge = pkce::challenge(challenge, method, client_id, leniency)?;
    Ok(AuthorizationRequest {
        client_id: client_id.to_owned(),
        redirect_uri: parameters.required("redirect_uri", "RFC 6749 section 4.1.1")?.to_owned(),
        state: parameters.get("state").map(str::to_owned),
        nonce: parameters.get("nonce").map(str::to_owned),
        scope: scope::granted(parameters.get("scope"), (client_id, client), &scope::IDENTITY, leniency)?,
        challenge,
        prompt: prompt(parameters.get("prompt"))?,
        ask_consent: parameters.get("prompt").is_some_and(|words| words.split(' ').any(|word| word == "consent")),
        max_age: max_age(parameters.get("max_age"))?,
        login_hint: parameters.get("login_hint").map(str::to_owned),
    })
}

/// Longer than any client needs; stops pages that are never answered from filling the memory with their `state`.
const MAX_LENGTH: usize = 4_096;

/// What is kept while the person chooses must be short.
fn short(parameters: &Parameters) -> Result<(), Refused> {
    for name in ["state", "nonce", "login_hint", "scope"] {
        if parameters.get(name).is_some_and(|value| value.len() > MAX_LENGTH) {
            let reason = format!("the parameter `{name}` has more than {MAX_LENGTH} bytes");
            return Err(Refused::new(Code::InvalidRequest, "RFC 6749 section 4.1.2.1", reason));
        }
    }
    Ok(())
}

/// Ignoring a request object would ignore what the client signed, so it is refused by its name.
fn unsupported(parameters: &Parameters) -> Result<(), Refused> {
    let clause = "OpenID Connect Core section 3.1.2.6";
    for (name, code) in [
        ("request", Code::RequestNotSupported),
        ("request_uri", Code::RequestUriNotSupported),
        ("registration", Code::RegistrationNotSupported),
    ] {
        if parameters.get(name).is_some() {
            return Err(Refused::new(code, clause, format!("the parameter `{name}` is not supported")));
        }
    }
    match parameters.get("response_mode") {
        None | Some("query") => Ok(()),
        Some(_) => Err(Refused::new(Code::InvalidRequest, clause, "`response_mode` must be `query` or absent")),
    }
}

fn prompt(text: Option<&str>) -> Result<Prompt, Refused> {
    let clause = "OpenID Connect Core section 3.1.2.1";
    let mut outcome = Prompt::WhenNeeded;
    let words: Vec<&str> = text.unwrap_or_default().split(' ').filter(|word| !word.is_empty()).collect();
    for word in &words {
        outcome = match *word {
            "none" if words.len() == 1 => Prompt::Never,
            "none" => {
                let reason = "`prompt=none` excludes every other value";
                return Err(Refused::new(Code::InvalidRequest, clause, reason));
            }
            "login" | "select_account" => Prompt::Always,
            "consent" => outcome,
            _ => {
                let reason = "`prompt` must be `none`, or of `login`, `consent` and `select_account`";
                return Err(Refused::new(Code::InvalidRequest, clause, reason));
            }
        };
    }
    Ok(outcome)
}

fn max_age(text: Option<&str>) -> Result<Option<i64>, Refused> {
    let Some(text) = text else { return Ok(None) };
    match text.parse::<u32>() {
        Ok(seconds) => Ok(Some(i64::from(seconds))),
        Err(_) => Err(Refused::new(
            Code::InvalidRequest,
            "OpenID Connect Core section 3.1.2.1",
            "`max_age` must be a number of seconds, 0 or more",
        )),
    }
}

/// Decides between the page, the session and the automatic login.
pub(crate) fn next(request: &AuthorizationRequest, session: Option<Session>, now: i64) -> Next {
    let usable = session.filter(|session| {
        let wanted = request.login_hint.as_deref().is_none_or(|hint| hint == &*session.user);
        let fresh = request.max_age.is_none_or(|max_age| now.saturating_sub(session.auth_time) < max_age);
        wanted && fresh
    });
    match (request.prompt, usable, &request.login_hint) {
        (Prompt::WhenNeeded | Prompt::Never, Some(session), _) => Next::Continue(session),
        (Prompt::WhenNeeded, None, _) | (Prompt::Always, _, _) => Next::ShowLogin,
        (Prompt::Never, None, Some(hint)) => Next::LogIn(hint.clone()),
        (Prompt::Never, None, None) => {
            Next::Refuse(login_required("nobody is logged in and `prompt=none` forbids to ask"))
        }
    }
}

/// The refusal for a client that wanted no page.
pub(crate) fn login_required(reason: impl Into<String>) -> Refused {
    Refused::new(Code::LoginRequired, "OpenID Connect Core section 3.1.2.6", reason)
}

/// The address that brings an answer to the client, whose own query stays (RFC 6749 §3.1.2).
pub(crate) fn answer_url(redirect_uri: &str, parameters: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    format!("{redirect_uri}{separator}{query}")
}

#[cfg(test)]
#[path = "authorize_tests.rs"]
mod tests;
