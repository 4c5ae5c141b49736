//! An assertion of a trusted issuer about a person as a grant (RFC 7523 §2.1). Must not know the person.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::Value;

use super::assertion::{self, Expected, Verifier};
use super::client::Desk;
use crate::config::Config;
use crate::error::{Code, Refused};

/// The person that the assertion speaks of. It is used up.
pub(crate) fn subject(config: &Config, desk: &Desk<'_>, client_id: &str, token: &str) -> Result<String, Refused> {
    let clause = "RFC 7523 section 3";
    let refused = |reason: String| Refused::new(Code::InvalidGrant, clause, reason);
    let claims = assertion::unverified(token).ok_or_else(|| refused("the assertion is no JWT".to_owned()))?;
    let issuer = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
    let trusted = config.trusted_issuers.get(issuer).ok_or_else(|| {
        refused(format!("the issuer `{issuer}` of the assertion is not trusted; add it to `trusted_issuers`"))
    })?;
    if !trusted.clients.is_empty() && !trusted.clients.iter().any(|allowed| allowed == client_id) {
        return Err(refused(format!("the client `{client_id}` may not bring assertions of `{issuer}`")));
    }
    let expected = Expected {
        name: "the assertion",
        code: Code::InvalidGrant,
        clause,
        typ: None,
        issuer,
        audiences: desk.audiences,
        needs_id: true,
    };
    let verified = assertion::verify(token, Verifier::Keys(&trusted.jwks), &expected, desk.leniency.now)?;
    let subject = verified.claims.get("sub").and_then(Value::as_str).filter(|subject| !subject.is_empty());
    let subject = subject.ok_or_else(|| expected.refused("has no `sub`"))?.to_owned();
    verified.use_up(&expected, desk.seen, desk.leniency.now)?;
    Ok(subject)
}
