//! A JWT that somebody else signed for us: client assertions, request objects, grants (RFC 7523 §3, RFC 9101 §6).
//!
//! Must not know what is done with the claims.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use aws_lc_rs::hmac;
use serde_json::{Map, Value};

use crate::error::{Code, Refused};
use crate::jwk::{ALGORITHMS, JwkSet};
use crate::jws::{self, Compact};
use crate::secret::Secret;
use crate::store::{Key, Kind, Seen, Sight};

/// How far the clock of the sender may be ahead.
const SKEW: i64 = 5;
/// An assertion that is good for longer is a password.
const MAX_LIFETIME: i64 = 3_600;

/// What the signature is checked with. The choice is ours, never the token's (RFC 8725 §3.1).
#[derive(Clone, Copy)]
pub(crate) enum Verifier<'a> {
    /// ES256, RS256, PS256 or EdDSA.
    Keys(&'a JwkSet),
    /// HS256.
    Secret(&'a Secret),
}

/// What an assertion must be.
pub(crate) struct Expected<'a> {
    /// How messages call it: "the client assertion".
    pub(crate) name: &'static str,
    pub(crate) code: Code,
    pub(crate) clause: &'static str,
    /// The `typ` that the header must have; `None`: absent or `JWT` (stops one kind from passing for another).
    pub(crate) typ: Option<&'static str>,
    pub(crate) issuer: &'a str,
    /// Names of ours; each `aud` must be one of them.
    pub(crate) audiences: &'a [String],
    /// Whether there must be a `jti`; without one, the whole assertion is its own identifier.
    pub(crate) needs_id: bool,
}

impl Expected<'_> {
    pub(crate) fn refused(&self, reason: impl std::fmt::Display) -> Refused {
        Refused::new(self.code, self.clause, format!("{} {reason}", self.name))
    }
}

/// Claims of an assertion that is right, with what stops it from being right twice.
pub(crate) struct Verified {
    pub(crate) claims: Map<String, Value>,
    id: Key,
    deadline: i64,
}

impl Verified {
    /// Uses the assertion up (RFC 7523 §3 item 7): stops whoever saw it from sending it again.
    pub(crate) fn use_up(&self, expected: &Expected<'_>, seen: &Seen, now: i64) -> Result<(), Refused> {
        match seen.look(self.id, self.deadline, now) {
            Sight::First => Ok(()),
            Sight::Again => Err(expected.refused("was used before; make a fresh one with its own `jti` each time")),
            Sight::Full => Err(crowded()),
        }
    }
}

/// The answer while too many identifiers are remembered.
pub(crate) fn crowded() -> Refused {
    let reason = "too many assertions and proofs are remembered at the moment; try again in a minute";
    Refused::new(Code::TemporarilyUnavailable, "RFC 9449 section 11.1", reason)
}

/// The claims of a compact JWS, unverified: only to find whose keys to verify it with.
pub(crate) fn unverified(token: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&jws::parse(token)?.payload).ok()
}

/// Checks signature, type, issuer, audience and times.
pub(crate) fn verify(
    token: &str,
    verifier: Verifier<'_>,
    expected: &Expected<'_>,
    now: i64,
) -> Result<Verified, Refused> {
    let compact =
        jws::parse(token).ok_or_else(|| expected.refused("is not a signed JWT (three parts in base64url)"))?;
    check_header(&compact, verifier, expected)?;
    let signed = match verifier {
        Verifier::Keys(keys) => keys.verifies(&compact),
        Verifier::Secret(secret) => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
            hmac::verify(&key, compact.signing_input.as_bytes(), &compact.signature).is_ok()
        }
    };
    if !signed {
        return Err(expected.refused("is not signed with a registered key of its sender"));
    }
    let claims: Map<String, Value> =
        serde_json::from_slice(&compact.payload).map_err(|_| expected.refused("has claims that are no JSON object"))?;
    let deadline = check_claims(&claims, expected, now)?;
    let id = match claims.get("jti").and_then(Value::as_str) {
        Some(id) if !id.is_empty() => Key::of(Kind::Assertion, &format!("{} {id}", expected.issuer)),
        _ if expected.needs_id => return Err(expected.refused("has no `jti`, so its reuse could not be noticed")),
        _ => Key::of(Kind::Assertion, compact.signing_input),
    };
    Ok(Verified { claims, id, deadline })
}

fn check_header(compact: &Compact<'_>, verifier: Verifier<'_>, expected: &Expected<'_>) -> Result<(), Refused> {
    let algorithm = compact.header.alg.as_str();
    let allowed = match verifier {
        Verifier::Keys(_) => ALGORITHMS.contains(&algorithm),
        Verifier::Secret(_) => algorithm == "HS256",
    };
    if !allowed {
        let wanted = match verifier {
            Verifier::Keys(_) => ALGORITHMS.join(", "),
            Verifier::Secret(_) => "HS256".to_owned(),
        };
        return Err(expected.refused(format!("is signed with `{algorithm}`; accepted is {wanted}")));
    }
    if compact.header.crit.is_some() {
        return Err(expected.refused("has critical extensions (`crit`), of which none is understood"));
    }
    let typ = compact.header.typ.as_deref();
    match expected.typ {
        Some(wanted) if typ.is_some_and(|typ| typ.eq_ignore_ascii_case(wanted)) => Ok(()),
        Some(wanted) => Err(expected.refused(format!("must have the header `typ` with the value `{wanted}`"))),
        None if typ.is_none_or(|typ| typ.eq_ignore_ascii_case("JWT")) => Ok(()),
        None => Err(expected.refused("is a JWT for another purpose: its header `typ` must be `JWT` or absent")),
    }
}

/// Until when the assertion is good.
fn check_claims(claims: &Map<String, Value>, expected: &Expected<'_>, now: i64) -> Result<i64, Refused> {
    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return Err(expected.refused(format!("must have `iss` with the value `{}`", expected.issuer)));
    }
    if !is_audience(claims.get("aud"), expected.audiences) {
        let ours = expected.audiences.join("` or `");
        return Err(expected.refused(format!("is meant for somebody else: `aud` must be `{ours}` and nobody besides")));
    }
    let time = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => value
            .as_i64()
            .or_else(|| value.as_f64().map(|seconds| seconds as i64))
            .map(Some)
            .ok_or_else(|| expected.refused(format!("has a `{name}` that is no number of seconds"))),
    };
    let expires = time("exp")?.ok_or_else(|| expected.refused("has no `exp`, so it would be good for ever"))?;
    if expires <= now {
        return Err(expected.refused("is expired"));
    }
    if expires > now.saturating_add(MAX_LIFETIME) {
        return Err(expected.refused("is good for more than an hour: set `exp` to a minute from now"));
    }
    if time("nbf")?.is_some_and(|not_before| not_before > now + SKEW)
        || time("iat")?.is_some_and(|issued| issued > now + SKEW)
    {
        return Err(expected.refused("comes from the future: compare the clocks"));
    }
    Ok(expires)
}

/// One of our names, and no foreign one beside it: what is also good elsewhere can be replayed here from there.
fn is_audience(claim: Option<&Value>, ours: &[String]) -> bool {
    let is_ours = |value: &Value| value.as_str().is_some_and(|text| ours.iter().any(|our| our == text));
    match claim {
        Some(Value::Array(values)) => !values.is_empty() && values.iter().all(is_ours),
        Some(value) => is_ours(value),
        None => false,
    }
}
