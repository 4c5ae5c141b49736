//! The flows of OAuth 2.0 without OpenID Connect, through the crate `oauth2` alone.

use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::http::Request;
use oauth2::url::Url;
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, DeviceAuthorizationUrl, EndpointNotSet, EndpointSet,
    IntrospectionUrl, PkceCodeChallenge, RedirectUrl, RevocationUrl, Scope, StandardDeviceAuthorizationResponse,
    StandardRevocableToken, TokenIntrospectionResponse as _, TokenResponse as _, TokenUrl,
};

use crate::flows::Flow;
use crate::login::{CALLBACK, Outcome, told};
use crate::plain_http::send;

/// With the endpoints for a login and for tokens; the others are set where they are used.
type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

pub(crate) const FLOWS: [Flow; 5] = [
    ("oauth2: code + PKCE, and no ID token without the scope `openid`", code),
    ("oauth2: refresh rotates", refresh),
    ("oauth2: client credentials, introspection, revocation", credentials),
    ("oauth2: device", device),
    ("oauth2: a wrong verifier is refused in the words of RFC 6749", wrong_verifier),
];

fn client(issuer: &str, id: &str, secret: Option<&str>) -> Outcome<Client> {
    let client = BasicClient::new(ClientId::new(id.to_owned()))
        .set_auth_uri(AuthUrl::new(format!("{issuer}/authorize"))?)
        .set_token_uri(TokenUrl::new(format!("{issuer}/token"))?)
        .set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned())?);
    Ok(match secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.to_owned())),
        None => client,
    })
}

/// A code for alice, with the verifier that belongs to it.
fn visit(client: &Client) -> Outcome<(AuthorizationCode, oauth2::PkceCodeVerifier)> {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state) = client
        .authorize_url(CsrfToken::new_random)
        .add_scope(Scope::new("orders:read".to_owned()))
        .set_pkce_challenge(challenge)
        .add_extra_param("prompt", "none")
        .add_extra_param("login_hint", "alice")
        .url();
    let answer = send(Request::get(url.as_str()).body(Vec::new())?)?;
    let callback = Url::parse(answer.headers().get("location").ok_or("no redirect")?.to_str()?)?;
    let parameter =
        |name: &str| callback.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    if parameter("state").as_ref() != Some(state.secret()) {
        return Err("`state` is not the one that was sent".into());
    }
    Ok((AuthorizationCode::new(parameter("code").ok_or("no code")?), verifier))
}

fn tokens(client: &Client) -> Outcome<BasicTokenResponse> {
    let (code, verifier) = visit(client)?;
    Ok(client.exchange_code(code).set_pkce_verifier(verifier).request(&send)?)
}

fn code(issuer: &str) -> Outcome {
    let web = client(issuer, "ES256", None)?;
    let (code, verifier) = visit(&web)?;
    let seen = std::cell::Cell::new(false);
    let watched = |request| {
        let answer = send(request)?;
        seen.set(String::from_utf8_lossy(answer.body()).contains("id_token"));
        Ok::<_, std::io::Error>(answer)
    };
    let tokens = web.exchange_code(code).set_pkce_verifier(verifier).request(&watched)?;
    let scopes: Vec<&str> = tokens.scopes().into_iter().flatten().map(|scope| scope.as_str()).collect();
    match (seen.get(), scopes[..] == ["orders:read"]) {
        (false, true) => Ok(()),
        other => Err(format!("ID token, scopes: {other:?} {scopes:?}").into()),
    }
}

fn refresh(issuer: &str) -> Outcome {
    let web = client(issuer, "ES256", None)?;
    let first = tokens(&web)?;
    let token = first.refresh_token().ok_or("no refresh token")?;
    let second = web.exchange_refresh_token(token).request(&send)?;
    let rotated = second.refresh_token().map(|token| token.secret()) != Some(token.secret());
    if rotated { Ok(()) } else { Err("the refresh token stayed".into()) }
}

fn credentials(issuer: &str) -> Outcome {
    // The crate revokes at HTTPS addresses only (RFC 7009 section 2); what carries the request here speaks plain HTTP.
    let revocation = format!("{issuer}/revoke").replacen("http:", "https:", 1);
    let backend = client(issuer, "backend", Some("backend-secret"))?
        .set_introspection_url(IntrospectionUrl::new(format!("{issuer}/introspect"))?)
        .set_revocation_url(RevocationUrl::new(revocation)?);
    let answer = backend.exchange_client_credentials().request(&send)?;
    let token = answer.access_token();
    if !backend.introspect(token).request(&send)?.active() {
        return Err("a token is inactive".into());
    }
    backend.revoke_token(StandardRevocableToken::AccessToken(token.clone()))?.request(&send)?;
    if backend.introspect(token).request(&send)?.active() { Err("the token is active still".into()) } else { Ok(()) }
}

fn device(issuer: &str) -> Outcome {
    let url = DeviceAuthorizationUrl::new(format!("{issuer}/device_authorization"))?;
    let television = client(issuer, "television", None)?.set_device_authorization_url(url);
    let begun: StandardDeviceAuthorizationResponse =
        television.exchange_device_code().add_scope(Scope::new("orders:read".to_owned())).request(&send)?;
    let answer = std::cell::Cell::new(Some(crate::flows::agree(issuer, begun.user_code().secret())?));
    let wait = |interval| {
        if let Some(order) = answer.take() {
            drop(send(order));
        }
        std::thread::sleep(interval);
    };
    television.exchange_device_access_token(&begun).request(&send, wait, None)?;
    Ok(())
}

fn wrong_verifier(issuer: &str) -> Outcome {
    let web = client(issuer, "ES256", None)?;
    let ((code, _), (_, other)) = (visit(&web)?, visit(&web)?);
    match web.exchange_code(code).set_pkce_verifier(other).request(&send) {
        Ok(_) => Err("a wrong verifier was taken".into()),
        Err(error) if told(&error).contains("invalid_grant") => Ok(()),
        Err(error) => Err(Box::new(error)),
    }
}
