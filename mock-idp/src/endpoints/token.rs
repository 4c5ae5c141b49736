//! The token endpoint (RFC 6749 §3.2).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::authenticate::authenticate;
use super::input::Form;
use super::issue::{self, AccessGrant, TokenRequest, TokenResponse};
use super::{backchannel_authentication, device, exchange, jwt_bearer, password, proof, respond};
use crate::config::{Grant, LegacyFlow};
use crate::error::{Code, Refused};
use crate::flow::client::Authenticated;
use crate::flow::code::{self, Redemption};
use crate::flow::dpop::Request;
use crate::flow::issue::Particulars;
use crate::flow::{details, refresh, resource, scope};
use crate::journal::Note;
use crate::state::Provider;
use crate::store::Holder;

/// Trades a grant for tokens.
pub(crate) async fn post(State(provider): State<Arc<Provider>>, form: Form) -> Response {
    let response = answer(&provider, &form).await;
    proof::with_nonce(&provider, response)
}

async fn answer(provider: &Provider, form: &Form) -> Response {
    let refused = |refused: &Refused| Note::refused(refused).with(&form.parameters);
    let client = match form.parameters.unrepeated() {
        Ok(()) => authenticate(provider, form).await,
        Err(refused) => Err(refused),
    };
    let client = match client {
        Ok(client) => client,
        Err(error) => return respond::refused(&error, refused(&error)),
    };
    match grant(provider, &client, form).await {
        Ok(response) => {
            let note = Note::outcome("tokens issued").with(&form.parameters);
            let note = note.client(&client.id).subject(&response.subject).token("access_token", &response.access_token);
            let note = match &response.id_token {
                Some(id_token) => note.token("id_token", id_token),
                None => note,
            };
            respond::private_json(StatusCode::OK, &response, note)
        }
        Err(error) => respond::refused(&error, refused(&error).client(&client.id)),
    }
}

async fn grant(provider: &Provider, client: &Authenticated, form: &Form) -> Result<TokenResponse, Refused> {
    let name = form.parameters.required("grant_type", "RFC 6749 section 5.2")?;
    let has_password = provider.config.legacy_flows.contains(&LegacyFlow::Password);
    let password = Some(Grant::Password).filter(|grant| has_password && grant.as_str() == name);
    let grant = Grant::parse(name).or(password).ok_or_else(|| {
        let known = Grant::ALL.map(Grant::as_str).join("`, `");
        let reason = format!("`grant_type` must be one of `{known}`");
        Refused::new(Code::UnsupportedGrantType, "RFC 6749 section 5.2", reason)
    })?;
    let request = TokenRequest { provider, client, parameters: &form.parameters, key: key(provider, client, form)? };
    match grant {
        Grant::AuthorizationCode => authorization_code(&request).await,
        Grant::ClientCredentials => client_credentials(&request).await,
        Grant::RefreshToken => refresh_token(&request).await,
        Grant::DeviceCode => device::redeem(&request).await,
        Grant::TokenExchange => exchange::exchange(&request).await,
        Grant::JwtBearer => jwt_bearer::redeem(&request).await,
        Grant::Ciba => backchannel_authentication::redeem(&request).await,
        Grant::Password | Grant::Implicit => password::redeem(&request).await,
    }
}

/// The key that the client proved to hold; a client can be registered to have one always (RFC 9449 §5.2).
fn key(provider: &Provider, client: &Authenticated, form: &Form) -> Result<Option<Arc<str>>, Refused> {
    let url = provider.url("/token");
    let request = Request { method: "POST", url: &url, access_token: None };
    let key = proof::check(provider, form.dpop.as_deref(), request)?;
    if key.is_none() && client.client.dpop_bound_access_tokens {
        let reason = format!("the client `{}` is registered for DPoP: the request needs a proof", client.id);
        return Err(Refused::new(Code::InvalidRequest, "RFC 9449 section 5.2", reason));
    }
    Ok(key)
}

async fn authorization_code(request: &TokenRequest<'_>) -> Result<TokenResponse, Refused> {
    let (provider, parameters) = (request.provider, request.parameters);
    request.client.may_use(Grant::AuthorizationCode, &provider.leniency())?;
    let redemption = Redemption {
        client_id: &request.client.id,
        code: parameters.required("code", "RFC 6749 section 4.1.3")?,
        redirect_uri: parameters.get("redirect_uri"),
        verifier: parameters.get("code_verifier"),
        key: request.key.as_deref(),
    };
    let granted = code::redeem(&mut provider.store.ledger(), redemption, &provider.leniency())?;
    let user = issue::active_user(provider, &granted.session.user).await?;
    issue::person(request, &granted, &granted.scope, &user).await
}

async fn refresh_token(request: &TokenRequest<'_>) -> Result<TokenResponse, Refused> {
    let (provider, parameters, id) = (request.provider, request.parameters, &request.client.id);
    request.client.may_use(Grant::RefreshToken, &provider.leniency())?;
    let token = parameters.required("refresh_token", "RFC 6749 section 6")?;
    let presented = refresh::Presented { client_id: id, token, grace: provider.config.refresh_token.grace_seconds };
    let granted = refresh::look(&mut provider.store.ledger(), presented, &provider.leniency())?;
    code::check_key(granted.terms.key.as_deref(), request.key.as_deref(), "refresh token")?;
    let scope = scope::narrowed(parameters.get("scope"), &granted.scope)?;
    // All that can be refused is refused before the token is used up: a mistake must not cost the family.
    let (config, terms) = (&provider.config, &granted.terms);
    resource::narrowed(config, &request.client.client, parameters, &terms.resources)?;
    details::narrowed(&config.authorization_details_types, parameters, terms.authorization_details.as_ref())?;
    let user = issue::active_user(provider, &granted.session.user).await?;
    let granted = refresh::use_up(&mut provider.store.ledger(), presented, &provider.leniency())?;
    issue::person(request, &granted, &scope, &user).await
}

/// RFC 6749 §4.4: for confidential clients only, and never a refresh token (§4.4.3).
async fn client_credentials(request: &TokenRequest<'_>) -> Result<TokenResponse, Refused> {
    let (client, config, leniency) = (request.client, &request.provider.config, request.provider.leniency());
    if client.client.is_public() {
        return Err(Refused::new(
            Code::UnauthorizedClient,
            "RFC 6749 section 4.4",
            format!("the client `{}` is public: it has no credentials to ask with", client.id),
        ));
    }
    client.may_use(Grant::ClientCredentials, &leniency)?;
    let resources = resource::requested(config, &client.client, request.parameters)?;
    let scope = scope::granted(request.parameters.get("scope"), (&client.id, &client.client), &[], &leniency)?;
    let grant = AccessGrant {
        subject: &client.id,
        scope: resource::scope_for(config, &resources, &scope),
        holder: Holder::Client,
        user: None,
        particulars: Particulars { audience: &resources, ..Particulars::default() },
    };
    issue::access(request, grant).await
}
