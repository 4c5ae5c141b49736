//! Token exchange at the token endpoint (RFC 8693).

use super::issue::{self, AccessGrant, TokenRequest, TokenResponse};
use crate::config::{Grant, TokenFormat};
use crate::error::{Code, Refused};
use crate::flow::exchange::{self, Exchanged};
use crate::flow::introspect::{self, Live};
use crate::flow::issue::Particulars;
use crate::state::Provider;

/// Trades a token for one for somebody else. It ends with the token it came of, at the latest.
pub(crate) async fn exchange(request: &TokenRequest<'_>) -> Result<TokenResponse, Refused> {
    let (provider, parameters) = (request.provider, request.parameters);
    request.client.may_use(Grant::TokenExchange, &provider.leniency())?;
    request.client.confidential()?;
    let opaque = provider.config.access_token.format == TokenFormat::Opaque;
    let issued_token_type = exchange::check_types(parameters, opaque)?;
    let subject = live(provider, parameters.required("subject_token", "RFC 8693 section 2.1")?, "subject_token")?;
    let actor = parameters.get("actor_token").map(|token| live(provider, token, "actor_token")).transpose()?;
    let actor_claims = actor.as_ref().map(|actor| &actor.claims);
    let Exchanged { audience, scope, actor: act, issued_token_type } =
        exchange::decide(request.client, parameters, &subject.claims, actor_claims, issued_token_type)?;
    let user = match subject.user() {
        Some(id) => Some(issue::active_user(provider, id).await?),
        None => None,
    };
    if let Some(actor) = actor.as_ref().and_then(Live::user) {
        issue::active_user(provider, actor).await?;
    }
    let particulars = Particulars {
        audience: &audience,
        actor: act.as_ref(),
        not_after: Some(subject.claims.exp),
        ..Particulars::default()
    };
    let (holder, subject) = (subject.record.holder.clone(), subject.claims.sub.as_str());
    let grant = AccessGrant { subject, scope, holder, user: user.as_ref(), particulars };
    let mut response = issue::access(request, grant).await?;
    response.issued_token_type = Some(issued_token_type);
    Ok(response)
}

fn live(provider: &Provider, token: &str, name: &str) -> Result<Live, Refused> {
    let found = introspect::inspect(&provider.config.issuer, &provider.keys, &provider.store, token, provider.now());
    found.ok_or_else(|| {
        let reason = format!("the `{name}` is unknown, altered, expired or revoked");
        Refused::new(Code::InvalidRequest, "RFC 8693 section 2.2.2", reason)
    })
}
