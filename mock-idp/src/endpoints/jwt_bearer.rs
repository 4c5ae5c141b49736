//! The JWT bearer grant at the token endpoint (RFC 7523 §2.1).

use super::issue::{self, AccessGrant, TokenRequest, TokenResponse};
use crate::config::Grant;
use crate::error::Refused;
use crate::flow::issue::Particulars;
use crate::flow::{jwt_bearer, resource, scope};
use crate::store::Holder;

/// Trades the assertion of a trusted issuer for an access token, and for nothing that outlives it (RFC 7521 §4.1).
pub(crate) async fn redeem(request: &TokenRequest<'_>) -> Result<TokenResponse, Refused> {
    let (provider, parameters, client) = (request.provider, request.parameters, request.client);
    client.may_use(Grant::JwtBearer, &provider.leniency())?;
    let assertion = parameters.required("assertion", "RFC 7523 section 2.1")?;
    let scope = scope::granted(parameters.get("scope"), (&client.id, &client.client), &[], &provider.leniency())?;
    let resources = resource::requested(&provider.config, &client.client, parameters)?;
    let subject = jwt_bearer::subject(&provider.config, &provider.desk(), &client.id, assertion)?;
    // Before the directory is asked: a session that is ended meanwhile must hit this token too.
    let serial = provider.store.ledger().next_serial();
    let user = issue::active_user(provider, &subject).await?;
    let grant = AccessGrant {
        subject: &user.id,
        scope: resource::scope_for(&provider.config, &resources, &scope),
        holder: Holder::Minted { user: user.id.as_str().into(), serial },
        user: Some(&user),
        particulars: Particulars { audience: &resources, ..Particulars::default() },
    };
    issue::access(request, grant).await
}
