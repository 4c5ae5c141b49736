//! Authorization requests that came before their browser (RFC 9126). Must not know what is in them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use super::form::Parameters;
use crate::error::{Code, Refused};
use crate::store::{Key, Kind, Ledger, PushedRequest};

/// How every reference begins (RFC 9126 §2.2).
pub(crate) const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
/// RFC 9126 §2.2 suggests 5 to 600 seconds; a browser that is sent on at once needs one.
pub(crate) const LIFETIME: i64 = 60;
/// A reference that is over is remembered longer than it works, so that the reason can be told.
const REMEMBERED: i64 = 600;
/// Stops pushed requests from filling the memory.
const MAX_SIZE: usize = 8_192;

/// Parameters that say who pushed and are not part of the request.
pub(crate) const AUTHENTICATION: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// Refuses what is too large to keep.
pub(crate) fn check_size(parameters: &Parameters) -> Result<(), Refused> {
    if parameters.size() <= MAX_SIZE {
        return Ok(());
    }
    let reason = format!("the request is larger than {MAX_SIZE} bytes");
    Err(Refused::new(Code::InvalidRequest, "RFC 9126 section 2.3", reason))
}

/// Keeps a request under a fresh value and gives its reference.
pub(crate) fn keep(ledger: &mut Ledger, value: &str, request: Kept, now: i64) -> String {
    let uri = format!("{PREFIX}{value}");
    let record = PushedRequest {
        client_id: request.client_id,
        parameters: request.parameters,
        signed: request.signed,
        expires: now.saturating_add(LIFETIME),
        used: false,
    };
    ledger.pushed.insert(Key::of(Kind::PushedRequest, &uri), record, now.saturating_add(REMEMBERED), now);
    uri
}

/// What is kept.
pub(crate) struct Kept {
    pub(crate) client_id: Arc<str>,
    pub(crate) parameters: Parameters,
    pub(crate) signed: bool,
}

/// Takes a request by its reference, once, for the client that pushed it.
pub(crate) fn take(ledger: &mut Ledger, uri: &str, client_id: &str, now: i64) -> Result<PushedRequest, Refused> {
    let refused = |reason: &str| Refused::new(Code::InvalidRequestUri, "RFC 9126 section 4", reason);
    if !uri.starts_with(PREFIX) {
        // RFC 9101 §10.4.1: fetching an address that a browser brings would let anybody send us anywhere.
        return Err(refused(
            "`request_uri` must come from the pushed authorization request endpoint; no other is fetched",
        ));
    }
    let record = ledger.pushed.get_mut(&Key::of(Kind::PushedRequest, uri), now);
    let record =
        record.ok_or_else(|| refused("the `request_uri` is unknown or long expired; push the request again"))?;
    if &*record.client_id != client_id {
        return Err(refused("the `request_uri` was given to another client"));
    }
    if record.used {
        return Err(refused("the `request_uri` was used before; push a new request for each attempt"));
    }
    if now >= record.expires {
        return Err(refused("the `request_uri` is expired: it is good for 60 seconds"));
    }
    record.used = true;
    Ok(record.clone())
}
