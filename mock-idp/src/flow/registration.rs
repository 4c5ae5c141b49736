//! What a client says of itself, as a client we can work with (RFC 7591 §2). Must not know how it told us.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::config::{AuthMethod, Client, Grant, check_redirect_uri};
use crate::error::{Code, Refused};
use crate::jwk::JwkSet;
use crate::keys::Algorithm;

const CLAUSE: &str = "RFC 7591 section 2";
/// Metadata are kept as long as the client: stops one that registers from filling the memory.
const MAX_LENGTH: usize = 16 * 1024;

/// The metadata that means something here; everything else is ignored (RFC 7591 §2).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Metadata {
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret: Option<String>,
    pub(crate) client_name: Option<String>,
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    scope: Option<String>,
    jwks: Option<JwkSet>,
    jwks_uri: Option<String>,
    dpop_bound_access_tokens: bool,
    require_pushed_authorization_requests: bool,
    require_signed_request_object: bool,
    id_token_signed_response_alg: Option<Algorithm>,
    post_logout_redirect_uris: Vec<String>,
    // `backchannel_logout_uri` is not: whoever registers could make the provider send requests anywhere (SSRF).
    frontchannel_logout_uri: Option<String>,
}

/// Reads the JSON of a request (RFC 7591 §3.1): an object, not the list that the type would take as well.
pub(crate) fn parse(body: &[u8]) -> Result<Metadata, Refused> {
    if body.len() > MAX_LENGTH {
        return Err(wrong(format!("the metadata are larger than {MAX_LENGTH} bytes")));
    }
    let unreadable = |error: serde_json::Error| wrong(format!("the metadata cannot be read: {error}"));
    let members: Map<String, Value> = serde_json::from_slice(body).map_err(unreadable)?;
    serde_json::from_value(Value::Object(members)).map_err(unreadable)
}

/// The client that metadata describe; one that needs a secret has none yet.
pub(crate) fn client(metadata: &Metadata, allowed_scopes: &[String]) -> Result<Client, Refused> {
    for uri in &metadata.redirect_uris {
        check_redirect_uri(uri).map_err(|problem| {
            Refused::new(Code::InvalidRedirectUri, CLAUSE, format!("the redirect URI `{uri}` {problem}"))
        })?;
    }
    for uri in metadata.post_logout_redirect_uris.iter().chain(&metadata.frontchannel_logout_uri) {
        check_redirect_uri(uri).map_err(|problem| wrong(format!("the logout URI `{uri}` {problem}")))?;
    }
    let grants = grants(metadata)?;
    if grants.contains(&Grant::AuthorizationCode) && metadata.redirect_uris.is_empty() {
        let reason = "the grant type `authorization_code` needs `redirect_uris`";
        return Err(Refused::new(Code::InvalidRedirectUri, CLAUSE, reason));
    }
    if metadata.response_types.as_ref().is_some_and(|types| types.iter().any(|kind| kind != "code")) {
        return Err(wrong("`response_types` can only be `code`"));
    }
    let auth_method = auth_method(metadata)?;
    let client = Client {
        redirect_uris: metadata.redirect_uris.clone(),
        scopes: scopes(metadata, allowed_scopes)?,
        auth_method: Some(auth_method),
        jwks: keys(metadata)?,
        dpop_bound_access_tokens: metadata.dpop_bound_access_tokens,
        require_pushed_authorization_requests: metadata.require_pushed_authorization_requests,
        require_signed_request_object: metadata.require_signed_request_object,
        id_token_signed_response_alg: metadata.id_token_signed_response_alg,
        post_logout_redirect_uris: metadata.post_logout_redirect_uris.clone(),
        frontchannel_logout_uri: metadata.frontchannel_logout_uri.clone(),
        grants,
        ..Client::default()
    };
    if auth_method == AuthMethod::None && client.grants.contains(&Grant::ClientCredentials) {
        return Err(wrong("a public client has no credentials for the grant type `client_credentials`"));
    }
    if (auth_method == AuthMethod::PrivateKeyJwt || client.require_signed_request_object) && client.jwks.is_none() {
        return Err(wrong("`private_key_jwt` and signed request objects need `jwks`"));
    }
    Ok(client)
}

/// Whether a client with this method needs a secret of ours.
pub(crate) fn needs_secret(client: &Client) -> bool {
    match client.auth_method {
        Some(AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost | AuthMethod::ClientSecretJwt) => true,
        Some(AuthMethod::None | AuthMethod::PrivateKeyJwt) | None => false,
    }
}

/// What was registered, which can be less than what was asked for (RFC 7591 §3.2.1).
pub(crate) fn registered(metadata: &Metadata, client: &Client) -> Value {
    let with_code = client.grants.contains(&Grant::AuthorizationCode);
    json!({
        "client_name": metadata.client_name,
        "redirect_uris": client.redirect_uris,
        "token_endpoint_auth_method": client.auth_method.map(AuthMethod::as_str),
        "grant_types": client.grants.iter().map(|grant| grant.as_str()).collect::<Vec<_>>(),
        "response_types": if with_code { vec!["code"] } else { vec![] },
        "scope": client.scopes.join(" "),
        "jwks": client.jwks,
        "dpop_bound_access_tokens": client.dpop_bound_access_tokens,
        "require_pushed_authorization_requests": client.require_pushed_authorization_requests,
        "require_signed_request_object": client.require_signed_request_object,
        "id_token_signed_response_alg": client.id_token_signed_response_alg,
        "post_logout_redirect_uris": client.post_logout_redirect_uris,
        "frontchannel_logout_uri": client.frontchannel_logout_uri,
    })
}

fn grants(metadata: &Metadata) -> Result<Vec<Grant>, Refused> {
    let Some(names) = &metadata.grant_types else { return Ok(vec![Grant::AuthorizationCode]) };
    let grant = |name: &String| match Grant::parse(name) {
        // What these allow is decided by whoever runs the stack, not by the client itself: CIBA puts questions to people.
        Some(Grant::TokenExchange | Grant::JwtBearer | Grant::Ciba) | None => {
            Err(wrong(format!("the grant type `{name}` cannot be registered")))
        }
        Some(grant) => Ok(grant),
    };
    names.iter().map(grant).collect()
}

fn auth_method(metadata: &Metadata) -> Result<AuthMethod, Refused> {
    let Some(name) = &metadata.token_endpoint_auth_method else { return Ok(AuthMethod::ClientSecretBasic) };
    AuthMethod::ALL.into_iter().find(|method| method.as_str() == name).ok_or_else(|| {
        let known = AuthMethod::ALL.map(AuthMethod::as_str).join("`, `");
        wrong(format!("`token_endpoint_auth_method` must be one of `{known}`"))
    })
}

fn scopes(metadata: &Metadata, allowed: &[String]) -> Result<Vec<String>, Refused> {
    let Some(asked) = &metadata.scope else { return Ok(allowed.to_vec()) };
    let identity = crate::flow::scope::IDENTITY;
    let mut scopes = Vec::new();
    for scope in asked.split(' ').filter(|scope| !scope.is_empty() && !identity.contains(scope)) {
        if !allowed.iter().any(|allowed| allowed == scope) {
            return Err(wrong(format!("the scope `{scope}` cannot be registered; allowed is `{}`", allowed.join(" "))));
        }
        scopes.push(scope.to_owned());
    }
    Ok(scopes)
}

fn keys(metadata: &Metadata) -> Result<Option<JwkSet>, Refused> {
    if metadata.jwks_uri.is_some() {
        return Err(wrong("`jwks_uri` is not fetched; put the keys into `jwks`"));
    }
    match metadata.jwks.as_ref().and_then(JwkSet::problem) {
        Some(problem) => Err(wrong(format!("a key in `jwks` cannot be used: {problem}"))),
        None => Ok(metadata.jwks.clone()),
    }
}

/// Metadata that cannot be registered.
pub(crate) fn wrong(reason: impl Into<String>) -> Refused {
    Refused::new(Code::InvalidClientMetadata, CLAUSE, reason)
}
