//! A login of alice as the README of `openidconnect` does it, with each check that the crate offers.

use std::error::Error;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient,
    CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType, CoreTokenResponse,
    CoreUserInfoClaims,
};
use openidconnect::http::Request;
use openidconnect::url::Url;
use openidconnect::{
    AccessTokenHash, AdditionalProviderMetadata, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    DeviceAuthorizationUrl, EndpointMaybeSet, EndpointNotSet, EndpointSet, IntrospectionUrl, IssuerUrl, LoginHint,
    Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, ProviderMetadata, RedirectUrl, RevocationUrl, Scope,
    TokenResponse as _,
};
use serde::{Deserialize, Serialize};

use crate::plain_http::send;

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Never visited: redirects are read, not followed.
pub(crate) const CALLBACK: &str = "http://localhost:1/callback";

/// Endpoints that OpenID Connect Discovery does not know.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct More {
    pub(crate) device_authorization_endpoint: DeviceAuthorizationUrl,
    pub(crate) introspection_endpoint: IntrospectionUrl,
    pub(crate) revocation_endpoint: RevocationUrl,
}

impl AdditionalProviderMetadata for More {}

pub(crate) type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

pub(crate) type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

pub(crate) fn discover(issuer: &str) -> Outcome<Metadata> {
    Ok(Metadata::discover(&IssuerUrl::new(issuer.to_owned())?, &send)?)
}

pub(crate) fn client(metadata: &Metadata, id: &str, secret: Option<&str>) -> Outcome<Client> {
    let secret = secret.map(|secret| ClientSecret::new(secret.to_owned()));
    let client = CoreClient::from_provider_metadata(metadata.clone(), ClientId::new(id.to_owned()), secret);
    Ok(client.set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned())?))
}

/// Code + PKCE, the ID token verified, the access token tied to it, `UserInfo` of the same subject.
pub(crate) fn login(client: &Client) -> Outcome<CoreTokenResponse> {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let (url, state, nonce) = client
        .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
        .add_scope(Scope::new("orders:read".to_owned()))
        .set_pkce_challenge(challenge)
        .add_prompt(CoreAuthPrompt::None)
        .set_login_hint(LoginHint::new("alice".to_owned()))
        .url();
    let answer = send(Request::get(url.as_str()).body(Vec::new())?)?;
    let location = answer.headers().get("location").ok_or("no redirect")?.to_str()?;
    let callback = Url::parse(location)?;
    let parameter =
        |name: &str| callback.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    // Left to the application by the crate, and shown in its README.
    if parameter("state").as_ref() != Some(state.secret()) {
        return Err("`state` is not the one that was sent".into());
    }
    let code = AuthorizationCode::new(parameter("code").ok_or("no code")?);
    let tokens = client.exchange_code(code)?.set_pkce_verifier(verifier).request(&send)?;
    let verifier = client.id_token_verifier();
    let id_token = tokens.id_token().ok_or("no ID token")?;
    let claims = id_token.claims(&verifier, &nonce)?;
    if let Some(expected) = claims.access_token_hash() {
        let (algorithm, key) = (id_token.signing_alg()?, id_token.signing_key(&verifier)?);
        if AccessTokenHash::from_token(tokens.access_token(), algorithm, key)? != *expected {
            return Err("`at_hash` belongs to another access token".into());
        }
    }
    let subject = claims.subject().clone();
    let _: CoreUserInfoClaims = client.user_info(tokens.access_token().clone(), Some(subject))?.request(&send)?;
    Ok(tokens)
}

/// An error with its causes, in one line.
pub(crate) fn told(error: &(dyn Error + 'static)) -> String {
    let (mut words, mut cause) = (Vec::new(), Some(error));
    while let Some(error) = cause {
        words.push(error.to_string().replace('\n', " "));
        cause = error.source();
    }
    words.join(": ")
}
