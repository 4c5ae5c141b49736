//! The authorization request: is it one, and what happens next (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2).
//!
//! Must not know pages or cookies.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use url::{Host, Url};

use super::claims_request::{self, ClaimsRequest};
use super::form::Parameters;
use super::response_type::{self, ResponseType};
use super::{details, pkce, resource, scope};
use crate::config::{Client, Config};
use crate::error::{Code, Refused};
use crate::findings::{Leniency, Relaxation};
use crate::jws;
use crate::store::{Clients, Found, Session, Terms};

/// An authorization request that is right in every respect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuthorizationRequest {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) response: ResponseType,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) scope: String,
    pub(crate) challenge: String,
    pub(crate) prompt: Prompt,
    /// `prompt=consent`: the person is asked whatever was agreed before.
    pub(crate) ask_consent: bool,
    pub(crate) max_age: Option<i64>,
    pub(crate) login_hint: Option<String>,
    /// How strongly the person shall be authenticated, in order of preference (RFC 9470 §5).
    pub(crate) acr_values: Vec<String>,
    /// Single claims that it asks for, and whom they must be about (OpenID Connect Core §5.5).
    pub(crate) claims: ClaimsRequest,
    pub(crate) terms: Terms,
}

/// What the provider knows when a request arrives.
#[derive(Clone, Copy)]
pub(crate) struct Front<'a> {
    pub(crate) config: &'a Config,
    pub(crate) clients: &'a Clients,
    pub(crate) leniency: Leniency<'a>,
}

/// How the parameters came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Through the pushed authorization request endpoint (RFC 9126).
    pub(crate) pushed: bool,
    /// In a signed request object (RFC 9101).
    pub(crate) signed: bool,
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
    Redirect { to: ReturnAddress, refused: Refused },
}

/// Where and how an answer reaches a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReturnAddress {
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    /// Behind the `#`, as legacy flows have it.
    pub(crate) in_fragment: bool,
}

impl ReturnAddress {
    /// The address with an answer in it.
    pub(crate) fn with(&self, parameters: &[(&str, &str)]) -> String {
        if self.in_fragment {
            return format!("{}#{}", self.redirect_uri, encoded(parameters));
        }
        answer_url(&self.redirect_uri, parameters)
    }
}

impl AuthorizationRequest {
    /// Where the answer to this request goes.
    pub(crate) fn return_address(&self) -> ReturnAddress {
        let in_fragment = self.response.in_fragment();
        ReturnAddress { redirect_uri: self.redirect_uri.clone(), state: self.state.clone(), in_fragment }
    }
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
    front: Front<'_>,
    parameters: &Parameters,
    arrival: Arrival,
) -> Result<AuthorizationRequest, Refusal> {
    let (found, redirect_uri) = destination(front, parameters).map_err(Refusal::Page)?;
    let state = parameters.get("state").map(str::to_owned);
    let parsed = protected(front.config, &found, arrival).and_then(|()| request(front, &found, parameters));
    let in_fragment = response_type::in_fragment(front.config, parameters.get("response_type"));
    let to = ReturnAddress { redirect_uri: redirect_uri.to_owned(), state, in_fragment };
    parsed.map_err(|refused| Refusal::Redirect { to, refused })
}

/// The client and the redirect URI, which must be right before anything is sent there.
fn destination<'a>(front: Front<'_>, parameters: &'a Parameters) -> Result<(Found, &'a str), Refused> {
    let found = client(front, parameters)?;
    let (id, client) = (&found.id, &found.client);
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
        front.leniency.let_through(Relaxation::UnregisteredRedirectUri, id, refused)?;
    }
    Ok((found, redirect_uri))
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

/// The client that a request names.
pub(crate) fn client(front: Front<'_>, parameters: &Parameters) -> Result<Found, Refused> {
    let id = parameters.required("client_id", "RFC 6749 section 4.1.1")?;
    front.clients.find(id, front.leniency.now).ok_or_else(|| {
        Refused::new(
            Code::InvalidRequest,
            "RFC 6749 section 2.2",
            format!("there is no client `{id}`; register it in the configuration"),
        )
    })
}

/// Refuses a request that came less protected than provider or client demand: whoever can leave the protection out can
/// change the request (downgrade).
fn protected(config: &Config, found: &Found, arrival: Arrival) -> Result<(), Refused> {
    let client = &found.client;
    if !arrival.pushed && (config.require_pushed_authorization_requests || client.require_pushed_authorization_requests)
    {
        let reason = format!("authorization requests of the client `{}` must be pushed to the PAR endpoint", found.id);
        return Err(Refused::new(Code::InvalidRequest, "RFC 9126 section 5", reason));
    }
    if !arrival.signed && (config.require_signed_request_object || client.require_signed_request_object) {
        let reason = format!("authorization requests of the client `{}` must be signed request objects", found.id);
        return Err(Refused::new(Code::InvalidRequest, "RFC 9101 section 10.5", reason));
    }
    Ok(())
}

fn request(front: Front<'_>, found: &Found, parameters: &Parameters) -> Result<AuthorizationRequest, Refused> {
    let (client_id, client): (&str, &Client) = (&found.id, &found.client);
    let (config, leniency) = (front.config, &front.leniency);
    parameters.unrepeated()?;
    short(parameters)?;
    let response_type = parameters.required("response_type", "RFC 6749 section 4.1.1")?;
    unsupported(parameters, response_type::in_fragment(config, Some(response_type)))?;
    let response = response_type::parse(config, found, response_type, leniency)?;
    let (challenge, method) = (parameters.get("code_challenge"), parameters.get("code_challenge_method"));
    // Without a code there is nothing that a verifier could redeem.
    let challenge =
        if response.code { pkce::challenge(challenge, method, client_id, leniency)? } else { String::new() };
    let claims = claims_request::parse(parameters.get("claims"))?;
    let scope = scope::granted(parameters.get("scope"), (client_id, client), &scope::IDENTITY, leniency)?;
    response_type::check_id_token(response, &scope, parameters.get("nonce"))?;
    Ok(AuthorizationRequest {
        client_id: client_id.to_owned(),
        redirect_uri: parameters.required("redirect_uri", "RFC 6749 section 4.1.1")?.to_owned(),
        state: parameters.get("state").map(str::to_owned),
        nonce: parameters.get("nonce").map(str::to_owned),
        response,
        scope,
        challenge,
        prompt: prompt(parameters.get("prompt"))?,
        ask_consent: parameters.get("prompt").is_some_and(|words| words.split(' ').any(|word| word == "consent")),
        max_age: max_age(parameters.get("max_age"))?,
        login_hint: parameters.get("login_hint").map(str::to_owned),
        acr_values: acr_values(config, parameters.get("acr_values"), &claims)?,
        claims,
        terms: Terms {
            resources: resource::requested(config, client, parameters)?,
            authorization_details: details::requested(&config.authorization_details_types, parameters)?,
            key: key(parameters.get("dpop_jkt"))?,
        },
    })
}

/// The levels that are asked for and exist. None of them: the client would get less than it asked for (RFC 9470 §5).
/// `acr` as an essential claim says the same more firmly (OpenID Connect Core §5.5.1.1), so it goes first.
fn acr_values(config: &Config, text: Option<&str>, claims: &ClaimsRequest) -> Result<Vec<String>, Refused> {
    let asked: Vec<&str> = match (text, claims.essential_acr.as_slice()) {
        (None, []) => return Ok(Vec::new()),
        (Some(text), []) => text.split(' ').collect(),
        (_, essential) => essential.iter().map(String::as_str).collect(),
    };
    let exists = |wanted: &&str| config.acr_values.iter().any(|acr| acr == wanted);
    let known: Vec<String> = asked.into_iter().filter(exists).map(str::to_owned).collect();
    if known.is_empty() {
        let reason = format!("none of the `acr_values` can be reached; there are: {}", config.acr_values.join(", "));
        return Err(Refused::new(Code::UnmetAuthenticationRequirements, "RFC 9470 section 5", reason));
    }
    Ok(known)
}

/// A thumbprint is a SHA-256 in base64url (RFC 9449 §10).
fn key(text: Option<&str>) -> Result<Option<Arc<str>>, Refused> {
    let Some(text) = text else { return Ok(None) };
    if jws::decode(text).is_some_and(|bytes| bytes.len() == 32) {
        return Ok(Some(Arc::from(text)));
    }
    let reason = "`dpop_jkt` must be the JWK SHA-256 thumbprint of a key, 43 characters of base64url";
    Err(Refused::new(Code::InvalidRequest, "RFC 9449 section 10", reason))
}

/// The level that a login for this request reaches: the first one wanted; else the strongest where everybody passes a
/// second factor, and the weakest where nobody is asked for one.
pub(crate) fn reached(config: &Config, request: &AuthorizationRequest) -> Option<Arc<str>> {
    let usual = if config.login.second_factor { config.acr_values.last() } else { config.acr_values.first() };
    request.acr_values.first().or(usual).map(|acr| Arc::from(acr.as_str()))
}

/// Longer than any client needs; stops pages that are never answered from filling the memory with their `state`.
const MAX_LENGTH: usize = 4_096;

/// What is kept while the person chooses must be short.
fn short(parameters: &Parameters) -> Result<(), Refused> {
    for name in ["state", "nonce", "login_hint", "scope", "claims"] {
        if parameters.get(name).is_some_and(|value| value.len() > MAX_LENGTH) {
            let reason = format!("the parameter `{name}` has more than {MAX_LENGTH} bytes");
            return Err(Refused::new(Code::InvalidRequest, "RFC 6749 section 4.1.2.1", reason));
        }
    }
    Ok(())
}

/// What is not done is refused by its name: ignoring it would do something else than was asked for.
fn unsupported(parameters: &Parameters, in_fragment: bool) -> Result<(), Refused> {
    let clause = "OpenID Connect Core section 3.1.2.6";
    if parameters.get("registration").is_some() {
        let reason = "the parameter `registration` is not supported";
        return Err(Refused::new(Code::RegistrationNotSupported, clause, reason));
    }
    let only = if in_fragment { "fragment" } else { "query" };
    match parameters.get("response_mode") {
        None => Ok(()),
        Some(mode) if mode == only => Ok(()),
        Some(_) => {
            let reason = format!("`response_mode` must be `{only}` or absent");
            Err(Refused::new(Code::InvalidRequest, clause, reason))
        }
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
        let wanted = request.login_hint.as_deref().is_none_or(|hint| hint == &*session.user)
            && request.claims.subject.as_deref().is_none_or(|subject| subject == &*session.user);
        let fresh = request.max_age.is_none_or(|max_age| now.saturating_sub(session.auth_time) < max_age);
        let strong = request.acr_values.is_empty()
            || session.acr.as_deref().is_some_and(|acr| request.acr_values.iter().any(|wanted| wanted == acr));
        wanted && fresh && strong
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

/// Refuses to answer about another person than the one that the client asked about (OpenID Connect Core §5.5.1).
pub(crate) fn about(request: &AuthorizationRequest, user: &str) -> Result<(), Refused> {
    match &request.claims.subject {
        Some(subject) if subject != user => {
            let reason = format!("the client asked for `{subject}` by the parameter `claims`, and `{user}` logged in");
            Err(Refused::new(Code::LoginRequired, "OpenID Connect Core section 5.5.1", reason))
        }
        Some(_) | None => Ok(()),
    }
}

/// The refusal for a client that wanted no page.
pub(crate) fn login_required(reason: impl Into<String>) -> Refused {
    Refused::new(Code::LoginRequired, "OpenID Connect Core section 3.1.2.6", reason)
}

/// The address that brings an answer to the client, whose own query stays (RFC 6749 §3.1.2).
pub(crate) fn answer_url(redirect_uri: &str, parameters: &[(&str, &str)]) -> String {
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    format!("{redirect_uri}{separator}{}", encoded(parameters))
}

fn encoded(parameters: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

#[cfg(test)]
#[path = "authorize_tests.rs"]
mod tests;
