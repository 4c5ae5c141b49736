//! The password grant (RFC 6749 §4.3), off unless switched on: OAuth 2.1 has it no more, and it is here to show why.

use super::issue::{self, TokenRequest, TokenResponse};
use crate::config::Grant;
use crate::error::{Code, Refused};
use crate::findings::Relaxation;
use crate::flow::code::{GRANT_LIFETIME, Granted};
use crate::flow::{details, resource, scope};
use crate::random;
use crate::store::{Session, Terms};

/// Tokens for a name and a password, which the client has seen: any password is right, because nobody has one.
pub(crate) async fn redeem(request: &TokenRequest<'_>) -> Result<TokenResponse, Refused> {
    let (provider, client, parameters) = (request.provider, request.client, request.parameters);
    let (config, leniency, now) = (&provider.config, provider.leniency(), provider.now());
    client.may_use(Grant::Password, &leniency)?;
    let name = parameters.required("username", "RFC 6749 section 4.3.2")?;
    parameters.required("password", "RFC 6749 section 4.3.2")?;
    if config.login.second_factor {
        let reason = "everybody passes a second factor here, and a password alone cannot: use the code flow";
        return Err(Refused::new(Code::InvalidGrant, "RFC 9700 section 2.4", reason));
    }
    let terms = Terms {
        resources: resource::requested(config, &client.client, parameters)?,
        authorization_details: details::requested(&config.authorization_details_types, parameters)?,
        key: None,
    };
    let granted_scope =
        scope::granted(parameters.get("scope"), (&client.id, &client.client), &scope::IDENTITY, &leniency)?;
    let user = issue::active_user(provider, name).await?;
    let sid = random::identifier().map_err(Refused::internal)?;
    let granted = {
        let mut ledger = provider.store.ledger();
        let session = Session {
            user: user.id.as_str().into(),
            auth_time: now,
            sid: sid.into(),
            serial: ledger.next_serial(),
            acr: config.acr_values.first().map(|acr| acr.as_str().into()),
            second_factor: false,
        };
        let grant = ledger.open_grant(&session, &client.id, now.saturating_add(GRANT_LIFETIME), now);
        Granted { grant, session, scope: granted_scope, nonce: None, terms }
    };
    let reason = "the client sees the password, and people learn to type it anywhere; use the code flow with PKCE";
    leniency.note(
        Relaxation::PasswordGrant,
        &client.id,
        &Refused::new(Code::InvalidGrant, "RFC 9700 section 2.4", reason),
    );
    issue::person(request, &granted, &granted.scope, &user).await
}
