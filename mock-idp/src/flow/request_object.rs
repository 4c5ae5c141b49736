//! An authorization request as one signed object (RFC 9101). Must not know where its answer goes.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::{Map, Value};

use super::assertion::{self, Expected, Verifier};
use super::form::Parameters;
use crate::config::Client;
use crate::error::{Code, Refused};
use crate::store::Seen;

/// Claims of the JWT itself, which are no parameters.
const ENVELOPE: [&str; 7] = ["iss", "aud", "exp", "iat", "nbf", "jti", "sub"];
/// Parameters beside the object that are not part of the authorization request.
const BESIDE: [&str; 4] = ["request", "client_secret", "client_assertion", "client_assertion_type"];

/// Who sent the object, and to whom.
pub(crate) struct Sender<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) client: &'a Client,
    /// The issuer, the only right audience (RFC 9101 §4).
    pub(crate) audiences: &'a [String],
}

/// The parameters that the client signed, and no other. One that stands beside the object must say the same: it was not
/// signed, so somebody else can have put it there (RFC 9101 §6.3).
pub(crate) fn unpack(sender: &Sender<'_>, outside: &Parameters, seen: &Seen, now: i64) -> Result<Parameters, Refused> {
    let expected = Expected {
        name: "the request object",
        code: Code::InvalidRequestObject,
        clause: "RFC 9101 section 6",
        typ: Some("oauth-authz-req+jwt"),
        issuer: sender.client_id,
        audiences: sender.audiences,
        needs_id: false,
    };
    let keys = sender.client.jwks.as_ref();
    let keys = keys.ok_or_else(|| expected.refused("cannot be checked: its client has no `jwks`"))?;
    let token = outside.required("request", "RFC 9101 section 5")?;
    let verified = assertion::verify(token, Verifier::Keys(keys), &expected, now)?;
    let claims = &verified.claims;
    if claims.get("client_id").and_then(Value::as_str) != Some(sender.client_id) {
        return Err(expected.refused("must have the claim `client_id` with the client that sends it"));
    }
    if claims.contains_key("request") || claims.contains_key("request_uri") {
        return Err(expected.refused("has another request object inside, which RFC 9101 forbids"));
    }
    if claims.get("sub").and_then(Value::as_str) == Some(sender.client_id) {
        // RFC 9101 §10.8: such an object would pass as a client assertion elsewhere.
        return Err(
            expected.refused("must not have the client as `sub`: it could be used to authenticate as the client")
        );
    }
    let inside: Map<String, Value> = claims
        .iter()
        .filter(|(name, value)| !ENVELOPE.contains(&name.as_str()) && !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let inside = Parameters::from_claims(&inside);
    if let Some(name) = outside.clone().without(&BESIDE).differing(&inside) {
        let reason =
            format!("does not contain the parameter `{name}` as it stands beside it; sign it, or leave it out");
        return Err(expected.refused(reason));
    }
    verified.use_up(&expected, seen, now)?;
    Ok(inside)
}
