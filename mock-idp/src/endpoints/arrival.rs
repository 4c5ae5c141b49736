//! How an authorization request came: as it is, pushed (RFC 9126), or as a signed object (RFC 9101).

use super::documents;
use crate::error::{Code, Refused};
use crate::flow::authorize::{self, Arrival};
use crate::flow::form::Parameters;
use crate::flow::pushed;
use crate::flow::request_object::{self, Sender};
use crate::state::Provider;

/// The parameters that count, wherever they were. What is wrong here is told on a page: nothing that could be trusted
/// says yet where the client is.
pub(crate) async fn unpack(provider: &Provider, outside: &Parameters) -> Result<(Parameters, Arrival), Refused> {
    if let Some(id) = outside.get("client_id") {
        documents::prepare(provider, id).await?;
    }
    match (outside.get("request"), outside.get("request_uri")) {
        (None, None) => Ok((outside.clone(), Arrival::default())),
        (Some(_), None) => Ok((signed(provider, outside)?, Arrival { pushed: false, signed: true })),
        (None, Some(uri)) => fetched(provider, outside, uri),
        (Some(_), Some(_)) => {
            let reason = "`request` and `request_uri` exclude each other";
            Err(Refused::new(Code::InvalidRequest, "RFC 9101 section 5", reason))
        }
    }
}

/// The inside of a signed request object.
pub(crate) fn signed(provider: &Provider, outside: &Parameters) -> Result<Parameters, Refused> {
    outside.unrepeated()?;
    let found = authorize::client(provider.front(), outside)?;
    let audiences = std::slice::from_ref(&provider.config.issuer);
    let sender = Sender { client_id: &found.id, client: &found.client, audiences };
    request_object::unpack(&sender, outside, &provider.store.seen, provider.now())
}

fn fetched(provider: &Provider, outside: &Parameters, uri: &str) -> Result<(Parameters, Arrival), Refused> {
    outside.unrepeated()?;
    let client_id = outside.required("client_id", "RFC 9126 section 4")?;
    let record = pushed::take(&mut provider.store.ledger(), uri, client_id, provider.now())?;
    if let Some(name) = outside.clone().without(&["request_uri"]).differing(&record.parameters) {
        // RFC 9101 §6.3: only what was pushed counts; somebody at the browser can have added the rest.
        let reason = format!("the parameter `{name}` is not part of the pushed request; push it, or leave it out");
        return Err(Refused::new(Code::InvalidRequest, "RFC 9126 section 4", reason));
    }
    Ok((record.parameters, Arrival { pushed: true, signed: record.signed }))
}
