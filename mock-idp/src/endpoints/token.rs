//! The token endpoint (RFC 6749 §3.2).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::input::Form;
use super::respond;
use crate::config::Grant;
use crate::directory::User;
use crate::error::{Code, Refused};
use crate::flow::client::{Authenticated, authenticate};
use crate::flow::code::{Granted, Redemption};
use crate::flow::form::Parameters;
use crate::flow::issue::{self, AccessOrder, IdOrder};
use crate::flow::{code, refresh, scope};
use crate::journal::Note;
use crate::random;
use crate::state::Provider;
use crate::store::Holder;

/// RFC 6749 §5.1, with the ID token of OpenID Connect Core §3.1.3.3.
#[derive(Serialize)]
struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip)]
    subject: String,
}

/// Trades a grant for tokens.
pub(crate) async fn post(State(provider): State<Arc<Provider>>, form: Form) -> Response {
    let client = match form.parameters.unrepeated().and_then(|()| {
        authenticate(&provider.config.clients, form.authorization.as_deref(), &form.parameters, &provider.leniency())
    }) {
        Ok(client) => client,
        Err(refused) => return respond::refused(&refused, Note::refused(&refused).with(&form.parameters)),
    };
    match grant(&provider, client, &form.parameters).await {
        Ok(response) => {
            let note =
                Note::outcome("tokens issued").with(&form.parameters).client(client.id).subject(&response.subject);
            let note = note.token("access_token", &response.access_token);
            let note = match &response.id_token {
                Some(id_token) => note.token("id_token", id_token),
                None => note,
            };
            respond::private_json(StatusCode::OK, &response, note)
        }
        Err(refused) => respond::refused(&refused, Note::refused(&refused).with(&form.parameters).client(client.id)),
    }
}

async fn grant(
    provider: &Provider,
    client: Authenticated<'_>,
    parameters: &Parameters,
) -> Result<TokenResponse, Refused> {
    match parameters.required("grant_type", "RFC 6749 section 5.2")? {
        "authorization_code" => authorization_code(provider, client, parameters).await,
        "client_credentials" => client_credentials(provider, client, parameters).await,
        "refresh_token" => refresh_token(provider, client, parameters).await,
        _ => Err(Refused::new(
            Code::UnsupportedGrantType,
            "RFC 6749 section 5.2",
            "`grant_type` must be `authorization_code`, `client_credentials` or `refresh_token`",
        )),
    }
}

async fn authorization_code(
    provider: &Provider,
    client: Authenticated<'_>,
    parameters: &Parameters,
) -> Result<TokenResponse, Refused> {
    client.may_use(Grant::AuthorizationCode, &provider.leniency())?;
    let redemption = Redemption {
        client_id: client.id,
        code: parameters.required("code", "RFC 6749 section 4.1.3")?,
        redirect_uri: parameters.get("redirect_uri"),
        verifier: parameters.get("code_verifier"),
    };
    let granted = code::redeem(&mut provider.store.ledger(), redemption, &provider.leniency())?;
    let user = active_user(provider, &granted.session.user).await?;
    person_tokens(provider, client, &granted, &granted.scope, &user).await
}

async fn refresh_token(
    provider: &Provider,
    client: Authenticated<'_>,
    parameters: &Parameters,
) -> Result<TokenResponse, Refused> {
    client.may_use(Grant::RefreshToken, &provider.leniency())?;
    let token = parameters.required("refresh_token", "RFC 6749 section 6")?;
    let granted = refresh::look(&mut provider.store.ledger(), client.id, token, &provider.leniency())?;
    let scope = scope::narrowed(parameters.get("scope"), &granted.scope)?;
    let user = active_user(provider, &granted.session.user).await?;
    let granted = refresh::use_up(&mut provider.store.ledger(), client.id, token, &provider.leniency())?;
    person_tokens(provider, client, &granted, &scope, &user).await
}

/// RFC 6749 §4.4: for confidential clients only, and never a refresh token (§4.4.3).
async fn client_credentials(
    provider: &Provider,
    client: Authenticated<'_>,
    parameters: &Parameters,
) -> Result<TokenResponse, Refused> {
    if client.client.secret.is_none() {
        return Err(Refused::new(
            Code::UnauthorizedClient,
            "RFC 6749 section 4.4",
            format!("the client `{}` is public: it has no credentials to ask with", client.id),
        ));
    }
    client.may_use(Grant::ClientCredentials, &provider.leniency())?;
    let scope = scope::granted(parameters.get("scope"), (client.id, client.client), &[], &provider.leniency())?;
    let order = AccessOrder {
        client_id: client.id,
        subject: client.id,
        scope: &scope,
        holder: Holder::Client,
        user: None,
        token_id: &random::identifier().map_err(Refused::internal)?,
        opaque: &random::bearer_value().map_err(Refused::internal)?,
    };
    let key = provider.signer(None).await?;
    let access_token = issue::access_token(&provider.config, &key, &provider.store, order, provider.now());
    Ok(response(provider, access_token.map_err(Refused::internal)?, scope.clone(), client.id))
}

/// The tokens of a login or a refresh, with what the directory says of the person now.
async fn person_tokens(
    provider: &Provider,
    client: Authenticated<'_>,
    granted: &Granted,
    scope: &str,
    user: &User,
) -> Result<TokenResponse, Refused> {
    let now = provider.now();
    let order = AccessOrder {
        client_id: client.id,
        subject: &user.id,
        scope,
        holder: Holder::Grant(granted.grant),
        user: Some(user),
        token_id: &random::identifier().map_err(Refused::internal)?,
        opaque: &random::bearer_value().map_err(Refused::internal)?,
    };
    // The grant must live as long as the token that dies with it.
    let token_end = now.saturating_add(issue::lifetime(&provider.config.access_token));
    provider.store.ledger().keep_grant(granted.grant, token_end);
    let key = provider.signer(None).await?;
    let access_token =
        issue::access_token(&provider.config, &key, &provider.store, order, now).map_err(Refused::internal)?;
    let mut response = response(provider, access_token, scope.to_owned(), &user.id);
    if scope::contains(scope, "openid") {
        let (session, nonce) = (&granted.session, granted.nonce.as_deref());
        let order = IdOrder { client_id: client.id, session, user, nonce, access_token: &response.access_token };
        let key = provider.signer(client.client.id_token_signed_response_alg).await?;
        let id_token = issue::id_token(&provider.config, &key, order, now);
        response.id_token = Some(id_token.map_err(Refused::internal)?);
    }
    if client.client.grants.contains(&Grant::RefreshToken) {
        let token = random::bearer_value().map_err(Refused::internal)?;
        refresh::give(&mut provider.store.ledger(), granted, client.id, &token, now);
        response.refresh_token = Some(token);
    }
    Ok(response)
}

fn response(provider: &Provider, access_token: String, scope: String, subject: &str) -> TokenResponse {
    TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in: provider.config.access_token.lifetime_seconds,
        scope,
        refresh_token: None,
        id_token: None,
        subject: subject.to_owned(),
    }
}

async fn active_user(provider: &Provider, id: &str) -> Result<User, Refused> {
    let found = provider.directory.find(id).await.map_err(|error| Provider::directory_down(&error))?;
    found.filter(|user| user.active).ok_or_else(|| {
        let reason = format!("the person `{id}` is gone or not active any more");
        Refused::new(Code::InvalidGrant, "RFC 6749 section 5.2", reason)
    })
}
