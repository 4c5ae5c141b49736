//! The flows, each against a provider that runs already.

use openidconnect::TokenResponse as _;
use openidconnect::core::{CoreDeviceAuthorizationResponse, CoreRevocableToken};
use openidconnect::http::Request;
use openidconnect::{AccessToken, HttpRequest, OAuth2TokenResponse as _, RevocationUrl, Scope, TokenIntrospectionResponse as _};

use crate::login::{Outcome, client, discover, login, told};
use crate::plain_oauth;
use crate::plain_http::send;

/// A flow: name, and what it does against an issuer.
pub(crate) type Flow = (&'static str, fn(&str) -> Outcome);

const FLOWS: [Flow; 7] = [
    ("code + PKCE, the ID token verified under each algorithm, UserInfo", code),
    ("refresh rotates, and the ID token is verified again", refresh),
    ("client credentials", credentials),
    ("introspection", introspection),
    ("revocation ends the token", revocation),
    ("device", device),
    ("a used refresh token is refused in the words of RFC 6749", reused),
];

/// Runs them all and says how many failed.
pub(crate) fn run(issuer: &str) -> usize {
    let all = || FLOWS.iter().chain(&plain_oauth::FLOWS);
    let failed = all().filter(|(name, flow)| match flow(issuer) {
        Ok(()) => {
            println!("ok      {name}");
            false
        }
        Err(error) => {
            println!("FAILED  {name}: {}", told(error.as_ref()));
            true
        }
    });
    let failed = failed.count();
    println!("{} of {} flows of openidconnect and oauth2", all().count() - failed, all().count());
    failed
}

fn code(issuer: &str) -> Outcome {
    let metadata = discover(issuer)?;
    for algorithm in ["ES256", "RS256", "PS256", "EdDSA"] {
        login(&client(&metadata, algorithm, None)?)
            .map_err(|error| format!("{algorithm}: {}", told(error.as_ref())))?;
    }
    Ok(())
}

fn refresh(issuer: &str) -> Outcome {
    let web = client(&discover(issuer)?, "ES256", None)?;
    let first = login(&web)?;
    let token = first.refresh_token().ok_or("no refresh token")?;
    let second = web.exchange_refresh_token(token)?.request(&send)?;
    // OpenID Connect Core section 12.2: a refreshed ID token need not have the nonce.
    let any_nonce = |_: Option<&openidconnect::Nonce>| Ok(());
    second.id_token().ok_or("no ID token")?.claims(&web.id_token_verifier(), any_nonce)?;
    let rotated = second.refresh_token().map(|token| token.secret()) != Some(token.secret());
    if rotated { Ok(()) } else { Err("the refresh token stayed".into()) }
}

fn backend_token(issuer: &str) -> Outcome<AccessToken> {
    let backend = client(&discover(issuer)?, "backend", Some("backend-secret"))?;
    let answer =
        backend.exchange_client_credentials()?.add_scope(Scope::new("orders:read".to_owned())).request(&send)?;
    Ok(answer.access_token().clone())
}

fn credentials(issuer: &str) -> Outcome {
    backend_token(issuer).map(drop)
}

fn is_active(issuer: &str, token: &AccessToken) -> Outcome<bool> {
    let metadata = discover(issuer)?;
    let url = metadata.additional_metadata().introspection_endpoint.clone();
    let backend = client(&metadata, "backend", Some("backend-secret"))?.set_introspection_url(url);
    Ok(backend.introspect(token).request(&send)?.active())
}

fn introspection(issuer: &str) -> Outcome {
    if !is_active(issuer, &backend_token(issuer)?)? {
        return Err("a token is inactive".into());
    }
    if is_active(issuer, &AccessToken::new("garbage".to_owned()))? {
        return Err("garbage is active".into());
    }
    Ok(())
}

fn revocation(issuer: &str) -> Outcome {
    let (metadata, token) = (discover(issuer)?, backend_token(issuer)?);
    // The crate revokes at HTTPS addresses only (RFC 7009 section 2); what carries the request here speaks plain HTTP.
    let url = metadata.additional_metadata().revocation_endpoint.as_str().replacen("http:", "https:", 1);
    let backend = client(&metadata, "backend", Some("backend-secret"))?.set_revocation_url(RevocationUrl::new(url)?);
    backend.revoke_token(CoreRevocableToken::AccessToken(token.clone()))?.request(&send)?;
    if is_active(issuer, &token)? { Err("the token is active still".into()) } else { Ok(()) }
}

fn device(issuer: &str) -> Outcome {
    let metadata = discover(issuer)?;
    let url = metadata.additional_metadata().device_authorization_endpoint.clone();
    let television = client(&metadata, "television", None)?.set_device_authorization_url(url);
    let scope = Scope::new("orders:read".to_owned());
    let begun: CoreDeviceAuthorizationResponse = television.exchange_device_code().add_scope(scope).request(&send)?;
    // The first poll comes before the answer, so the pending state is met too.
    let answer = std::cell::Cell::new(Some(agree(issuer, begun.user_code().secret())?));
    let wait = |interval| {
        if let Some(order) = answer.take() {
            drop(send(order));
        }
        std::thread::sleep(interval);
    };
    let tokens = television.exchange_device_access_token(&begun)?.request(&send, wait, None)?;
    tokens.id_token().ok_or("no ID token")?;
    Ok(())
}

/// The request by which alice agrees for a device.
pub(crate) fn agree(issuer: &str, user_code: &str) -> Outcome<HttpRequest> {
    Ok(Request::post(format!("{issuer}/control/v1/devices/{user_code}"))
        .header("authorization", format!("Bearer {}", crate::CONTROL))
        .header("content-type", "application/json")
        .body(br#"{"persona": "alice"}"#.to_vec())?)
}

fn reused(issuer: &str) -> Outcome {
    let web = client(&discover(issuer)?, "ES256", None)?;
    let token = login(&web)?.refresh_token().ok_or("no refresh token")?.clone();
    web.exchange_refresh_token(&token)?.request(&send)?;
    match web.exchange_refresh_token(&token)?.request(&send) {
        Ok(_) => Err("a used refresh token was taken".into()),
        Err(error) if told(&error).contains("invalid_grant") => Ok(()),
        Err(error) => Err(Box::new(error)),
    }
}
