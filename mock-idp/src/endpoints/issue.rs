//! Tokens for whoever a grant entitles, as the token endpoint answers with them.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::config::Grant;
use crate::directory::User;
use crate::error::{Code, Refused};
use crate::flow::client::Authenticated;
use crate::flow::code::Granted;
use crate::flow::form::Parameters;
use crate::flow::issue::{self, AccessOrder, IdOrder, Particulars};
use crate::flow::{details, refresh, resource, scope};
use crate::random;
use crate::state::Provider;
use crate::store::{Holder, Terms};

/// What a request to the token endpoint has shown so far.
pub(crate) struct TokenRequest<'a> {
    pub(crate) provider: &'a Provider,
    pub(crate) client: &'a Authenticated,
    pub(crate) parameters: &'a Parameters,
    /// The thumbprint of the key that the client proved to hold (RFC 9449 §5).
    pub(crate) key: Option<Arc<str>>,
}

/// RFC 6749 §5.1, with the ID token of OpenID Connect Core §3.1.3.3.
#[derive(Serialize)]
pub(crate) struct TokenResponse {
    pub(crate) access_token: String,
    token_type: &'static str,
    expires_in: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id_token: Option<String>,
    /// RFC 8693 §2.2.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) issued_token_type: Option<&'static str>,
    /// RFC 9396 §7.
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_details: Option<Value>,
    #[serde(skip)]
    pub(crate) subject: String,
}

/// What one access token is for.
pub(crate) struct AccessGrant<'a> {
    pub(crate) subject: &'a str,
    pub(crate) scope: String,
    pub(crate) holder: Holder,
    /// The person; none for a client of its own.
    pub(crate) user: Option<&'a User>,
    pub(crate) particulars: Particulars<'a>,
}

/// An access token alone.
pub(crate) async fn access(request: &TokenRequest<'_>, grant: AccessGrant<'_>) -> Result<TokenResponse, Refused> {
    let (provider, now) = (request.provider, request.provider.now());
    let particulars = Particulars { key: request.key.as_deref(), ..grant.particulars };
    let order = AccessOrder {
        client_id: &request.client.id,
        subject: grant.subject,
        scope: &grant.scope,
        holder: grant.holder,
        user: grant.user,
        token_id: &random::identifier().map_err(Refused::internal)?,
        opaque: &random::bearer_value().map_err(Refused::internal)?,
        particulars,
    };
    let key = provider.signer(None).await?;
    let access_token =
        issue::access_token(&provider.config, &key, &provider.store, order, now).map_err(Refused::internal)?;
    Ok(TokenResponse {
        access_token,
        token_type: if request.key.is_some() { "DPoP" } else { "Bearer" },
        expires_in: particulars.expires(&provider.config, now).saturating_sub(now),
        scope: grant.scope,
        refresh_token: None,
        id_token: None,
        issued_token_type: None,
        authorization_details: None,
        subject: grant.subject.to_owned(),
    })
}

/// The tokens of a login or a refresh, with what the directory says of the person now.
pub(crate) async fn person(
    request: &TokenRequest<'_>,
    granted: &Granted,
    granted_scope: &str,
    user: &User,
) -> Result<TokenResponse, Refused> {
    let (provider, client, now) = (request.provider, request.client, request.provider.now());
    let (config, terms) = (&provider.config, &granted.terms);
    let resources = resource::narrowed(config, &client.client, request.parameters, &terms.resources)?;
    let types = &config.authorization_details_types;
    let details = details::narrowed(types, request.parameters, terms.authorization_details.as_ref())?;
    // The grant must live as long as the token that dies with it.
    let token_end = now.saturating_add(issue::lifetime(&config.access_token));
    provider.store.ledger().keep_grant(granted.grant, token_end);
    let particulars = Particulars {
        audience: &resources,
        authorization_details: details.as_ref(),
        session: Some(&granted.session),
        ..Particulars::default()
    };
    let grant = AccessGrant {
        subject: &user.id,
        scope: resource::scope_for(config, &resources, granted_scope),
        holder: Holder::Grant(granted.grant),
        user: Some(user),
        particulars,
    };
    let mut response = access(request, grant).await?;
    response.authorization_details = details.as_deref().cloned();
    if scope::contains(granted_scope, "openid") {
        let (session, nonce) = (&granted.session, granted.nonce.as_deref());
        let wanted = provider.store.ledger().wanted(granted.grant, now);
        let (access_token, wanted) = (Some(response.access_token.as_str()), wanted.as_deref());
        let order = IdOrder { client_id: &client.id, session, user, nonce, access_token, code: None, wanted };
        let key = provider.signer(client.client.id_token_signed_response_alg).await?;
        response.id_token = Some(issue::id_token(config, &key, order, now).map_err(Refused::internal)?);
    }
    if client.client.grants.contains(&Grant::RefreshToken) {
        response.refresh_token = Some(refresh_token(request, granted)?);
    }
    Ok(response)
}

/// A refresh token; that of a public client is bound to the key, because nothing else proves who brings it back
/// (RFC 9449 §5).
fn refresh_token(request: &TokenRequest<'_>, granted: &Granted) -> Result<String, Refused> {
    let token = random::bearer_value().map_err(Refused::internal)?;
    let key = if request.client.client.is_public() { request.key.clone() } else { None };
    let bound = Granted { terms: Terms { key, ..granted.terms.clone() }, ..granted.clone() };
    let (client_id, now) = (&request.client.id, request.provider.now());
    refresh::give(&mut request.provider.store.ledger(), &bound, client_id, &token, now);
    Ok(token)
}

/// The person, if the directory still has them.
pub(crate) async fn active_user(provider: &Provider, id: &str) -> Result<User, Refused> {
    let found = provider.people.find(id).await.map_err(|error| Provider::directory_down(&error))?;
    found.filter(|user| user.active).ok_or_else(|| {
        let reason = format!("the person `{id}` is gone or not active any more");
        Refused::new(Code::InvalidGrant, "RFC 6749 section 5.2", reason)
    })
}
