//! Tokens in a redirect: the implicit and the hybrid flow (OpenID Connect Core §3.2, §3.3), off unless switched on.

use super::issue;
use crate::error::Refused;
use crate::flow::authorize::AuthorizationRequest;
use crate::flow::issue::{AccessOrder, IdOrder, Particulars, access_token, id_token, lifetime};
use crate::flow::resource;
use crate::random;
use crate::state::Provider;
use crate::store::{Holder, Session};

/// What a redirect carries besides `state` and `iss`.
pub(crate) type Answer = Vec<(&'static str, String)>;

/// The tokens that a legacy request asks for, beside its code if there is one; all end with the grant.
pub(crate) async fn tokens(
    provider: &Provider,
    request: &AuthorizationRequest,
    session: &Session,
    (grant, code): (u64, Option<&str>),
) -> Result<Answer, Refused> {
    let (config, now) = (&provider.config, provider.now());
    let user = issue::active_user(provider, &session.user).await?;
    let mut answer = Answer::new();
    if request.response.token {
        let scope = resource::scope_for(config, &request.terms.resources, &request.scope);
        let order = AccessOrder {
            client_id: &request.client_id,
            subject: &user.id,
            scope: &scope,
            holder: Holder::Grant(grant),
            user: Some(&user),
            token_id: &random::identifier().map_err(Refused::internal)?,
            opaque: &random::bearer_value().map_err(Refused::internal)?,
            particulars: Particulars {
                audience: &request.terms.resources,
                authorization_details: request.terms.authorization_details.as_ref(),
                session: Some(session),
                ..Particulars::default()
            },
        };
        let key = provider.signer(None).await?;
        let token = access_token(config, &key, &provider.store, order, now).map_err(Refused::internal)?;
        let seconds = lifetime(&config.access_token).to_string();
        answer.extend([("access_token", token), ("token_type", "Bearer".to_owned()), ("expires_in", seconds)]);
    }
    if request.response.id_token {
        let found = provider.store.clients.find(&request.client_id, now);
        let key = provider.signer(found.and_then(|found| found.client.id_token_signed_response_alg)).await?;
        let order = IdOrder {
            client_id: &request.client_id,
            session,
            user: &user,
            nonce: request.nonce.as_deref(),
            access_token: answer.first().map(|(_, token)| token.as_str()),
            code,
            wanted: Some(&request.claims.wanted),
        };
        let token = id_token(config, &key, order, now).map_err(Refused::internal)?;
        answer.push(("id_token", token));
    }
    Ok(answer)
}
