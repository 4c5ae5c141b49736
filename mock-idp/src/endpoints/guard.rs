//! Who may use the control API: the holder of the control token, not through a foreign page or a foreign name.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use url::Url;

use super::{input, respond};
use crate::config::Config;
use crate::error::{Code, Refused};
use crate::flow::bearer;
use crate::journal::Note;
use crate::state::Provider;

/// Lets a request through or answers it. The token comes last: a page of a foreign origin learns nothing about it.
pub(crate) async fn guard(State(provider): State<Arc<Provider>>, request: Request, next: Next) -> Response {
    let refused = check_host(&provider.config, request.uri(), request.headers())
        .and_then(|()| check_origin(&provider.config, request.headers()))
        .err();
    if let Some(refused) = refused {
        return respond::refused(&refused, Note::refused(&refused));
    }
    match check_token(&provider.config, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refused) => respond::bearer_challenge(refused.as_ref()),
    }
}

/// Lets a request through that was sent to our name and not by a foreign page, whoever sent it.
pub(crate) async fn from_here(State(provider): State<Arc<Provider>>, request: Request, next: Next) -> Response {
    let checked = check_host(&provider.config, request.uri(), request.headers())
        .and_then(|()| check_origin(&provider.config, request.headers()));
    match checked {
        Ok(()) => next.run(request).await,
        Err(refused) => respond::refused(&refused, Note::refused(&refused)),
    }
}

/// Stops DNS rebinding: a name of the attacker that leads here is still the attacker's name.
fn check_host(config: &Config, uri: &Uri, headers: &HeaderMap) -> Result<(), Refused> {
    let host = match uri.authority() {
        Some(authority) => Some(authority.to_string()),
        None => input::single(headers, &header::HOST)?,
    };
    let allowed = host.as_deref().is_some_and(|host| is_our_host(config, host));
    if allowed { Ok(()) } else { Err(denied("`Host` must be the issuer's, a loopback name or the service's name")) }
}

fn is_our_host(config: &Config, authority: &str) -> bool {
    let Ok(url) = Url::parse(&format!("http://{authority}/")) else { return false };
    let Some(host) = url.host_str() else { return false };
    // A user part would make the rest of the comparison about something else.
    if authority.contains(['@', '/', '?', '#', '\\']) {
        return false;
    }
    let address: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
    let issuer = Url::parse(&config.issuer).ok();
    let is_issuer = issuer.is_some_and(|issuer| issuer.host_str() == Some(host) && issuer.port() == url.port());
    is_issuer
        || host == "localhost"
        || address.is_some_and(|address| address.is_loopback())
        || config.service_name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(host))
}

/// Stops a page of another origin from using what the browser can reach.
fn check_origin(config: &Config, headers: &HeaderMap) -> Result<(), Refused> {
    match input::single(headers, &header::ORIGIN)? {
        None => Ok(()),
        Some(origin) if is_our_origin(config, &origin) => Ok(()),
        Some(_) => Err(denied("`Origin` is not the issuer's: pages of other origins have no business here")),
    }
}

/// Whether an `Origin` header names the issuer (RFC 6454 §7).
pub(crate) fn is_our_origin(config: &Config, origin: &str) -> bool {
    Url::parse(&config.issuer).is_ok_and(|issuer| issuer.origin().ascii_serialization() == origin)
}

/// `Err(None)` when there is no token at all.
fn check_token(config: &Config, headers: &HeaderMap) -> Result<(), Option<Refused>> {
    let Some(authorization) = input::single(headers, &header::AUTHORIZATION).map_err(Some)? else { return Err(None) };
    let presented = bearer::token(&authorization);
    let right = config.control_token.as_ref().zip(presented).is_some_and(|(token, presented)| token.matches(presented));
    if right {
        Ok(())
    } else {
        Err(Some(Refused::new(
            Code::InvalidToken,
            "RFC 6750 section 3.1",
            "this is not the control token of this stack",
        )))
    }
}

fn denied(reason: &str) -> Refused {
    Refused::new(Code::AccessDenied, "RFC 9110 section 15.5.4", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::parse("issuer: http://id.example:9400\nservice_name: idp").unwrap()
    }

    #[test]
    fn the_issuer_loopback_and_the_service_name_are_our_hosts() {
        for host in ["id.example:9400", "localhost:1", "127.0.0.1:9400", "127.9.9.9", "[::1]:9400", "idp:9400", "IDP"] {
            assert!(is_our_host(&config(), host), "{host}");
        }
    }

    #[test]
    fn every_other_name_is_not() {
        let foreign = [
            "attacker.example:9400",
            "id.example",
            "localhost.attacker.example",
            "localhost@attacker.example",
            "attacker.example/localhost",
            "10.0.0.1:9400",
            "idp.attacker.example",
            "",
        ];
        for host in foreign {
            assert!(!is_our_host(&config(), host), "{host}");
        }
    }
}
