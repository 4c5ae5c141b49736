//! Client-initiated backchannel authentication: a client names a person, who answers elsewhere, and polls (OpenID Connect
//! CIBA Core 1.0). The answer is given on the device page or by the control API.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::authenticate::authenticate;
use super::input::Form;
use super::issue::{TokenRequest, TokenResponse};
use super::{device, respond};
use crate::config::Grant;
use crate::error::{Code, Refused};
use crate::flow::device::{Ask, Waiting};
use crate::flow::{self, backchannel, details, resource, scope};
use crate::journal::Note;
use crate::random;
use crate::state::Provider;
use crate::store::{Asked, Terms};

/// `POST /backchannel_authentication` (§7).
pub(crate) async fn post(State(provider): State<Arc<Provider>>, form: Form) -> Response {
    match begin(&provider, &form).await {
        Ok((client_id, user, answer)) => {
            let note = Note::outcome("person asked").with(&form.parameters).client(&client_id).subject(&user);
            respond::private_json(StatusCode::OK, &answer, note)
        }
        Err(refused) => respond::refused(&refused, Note::refused(&refused).with(&form.parameters)),
    }
}

async fn begin(provider: &Provider, form: &Form) -> Result<(Arc<str>, String, Value), Refused> {
    let (parameters, config) = (&form.parameters, &provider.config);
    parameters.unrepeated()?;
    let client = authenticate(provider, form).await?;
    if client.client.is_public() {
        let reason =
            format!("the client `{}` is public: whoever asks people to log in must prove who it is", client.id);
        return Err(Refused::new(Code::InvalidClient, "OpenID Connect CIBA Core section 7.1", reason));
    }
    client.may_use(Grant::Ciba, &provider.leniency())?;
    let asked = backchannel::asked(&config.issuer, &provider.keys, &client.id, parameters)?;
    parameters.required("scope", "OpenID Connect CIBA Core section 7.1")?;
    let asking = (&*client.id, &*client.client);
    let scope = scope::granted(parameters.get("scope"), asking, &scope::IDENTITY, &provider.leniency())?;
    if !scope::contains(&scope, "openid") {
        let reason = "`scope` must contain `openid`";
        return Err(Refused::new(Code::InvalidScope, "OpenID Connect CIBA Core section 7.1", reason));
    }
    let terms = Terms {
        resources: resource::requested(config, &client.client, parameters)?,
        authorization_details: details::requested(&config.authorization_details_types, parameters)?,
        key: None,
    };
    let settings = &config.backchannel_authentication;
    let lifetime = backchannel::lifetime(parameters, settings.lifetime_seconds)?;
    known(provider, &asked).await?;
    let user = asked.user.clone();
    let ask = Ask {
        client_id: Arc::clone(&client.id),
        scope,
        terms,
        lifetime: i64::from(lifetime),
        interval: i64::from(settings.interval_seconds),
        asked: Some(asked),
    };
    let auth_req_id = random::bearer_value().map_err(Refused::internal)?;
    let user_code = random::user_code().map_err(Refused::internal)?;
    flow::device::begin(&mut provider.store.ledger(), ask, &auth_req_id, &user_code, provider.now());
    let answer = json!({"auth_req_id": auth_req_id, "expires_in": lifetime, "interval": settings.interval_seconds});
    Ok((client.id, user, answer))
}

async fn known(provider: &Provider, asked: &Asked) -> Result<(), Refused> {
    let found = provider.people.find(&asked.user).await.map_err(|error| Provider::directory_down(&error))?;
    if found.is_some_and(|user| user.active) {
        return Ok(());
    }
    let reason = format!("there is no active person `{}`", asked.user);
    Err(Refused::new(Code::UnknownUserId, "OpenID Connect CIBA Core section 13", reason))
}

/// The `auth_req_id` at the token endpoint (§10.1).
pub(crate) async fn redeem(request: &TokenRequest<'_>) -> Result<TokenResponse, Refused> {
    request.client.may_use(Grant::Ciba, &request.provider.leniency())?;
    let id = request.parameters.required("auth_req_id", "OpenID Connect CIBA Core section 10.1")?;
    device::fetched(request, (Waiting::Client, id)).await
}
