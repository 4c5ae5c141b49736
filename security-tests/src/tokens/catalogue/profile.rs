//! Tokens that RFC 9068, RFC 8725 and the RFCs on sender constraint and step-up want refused. Whether they must be
//! depends on the profile that a team signed up to.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::{Value, json};

use super::{Basis, Family, Forgery, Refusal};
use crate::tokens::Mint;
use crate::tokens::forge::{Doubled, Make};
use crate::verdict::Tier;

const fn profile(check: &'static str, source: &'static str, refused_for: Refusal) -> Family {
    Family { check, tier: Tier::Profile, source, refused_for }
}

const EXPIRY: Family = profile("missing-expiry", "RFC 9068 §2.2, RFC 7519 §4.1.4", Refusal::Expired);
const ISSUER: Family = profile("wrong-issuer", "RFC 9068 §4, RFC 8725 §3.8", Refusal::Issuer);
const AUDIENCE: Family = profile("wrong-audience", "RFC 9068 §4, RFC 8725 §3.9", Refusal::Audience);
const KIND: Family = profile("token-kind", "RFC 9068 §4, RFC 8725 §3.11", Refusal::Kind);
const CRITICAL: Family = profile("critical-header", "RFC 7515 §4.1.11, CVE-2025-59420", Refusal::Critical);
const TWICE: Family = profile("duplicate-claim", "RFC 7519 §4, RFC 7515 §4", Refusal::Duplicate);
const OTHER_ALGORITHM: Family = profile("algorithm-family", "RFC 8725 §3.1", Refusal::Algorithm);
const BOUND: Family = profile("sender-constraint", "RFC 9449 §7.2", Refusal::Binding);
// Sent only where a rule says what is asked for: then it must be.
const STEP_UP: Family = Family { tier: Tier::Exploit, ..profile("step-up", "RFC 9470 §5", Refusal::Authentication) };

pub(super) static PROFILE: &[Forgery] = &[
    EXPIRY.entry("exp-missing", Make::Minted(|_| Mint::claim("exp", Value::Null))),
    ISSUER.entry("iss-missing", Make::Minted(|_| Mint::claim("iss", Value::Null))),
    ISSUER.entry("iss-wrong", Make::Minted(|_| Mint::claim("iss", json!("https://issuer.attacker.example")))),
    ISSUER.entry("iss-look-alike", Make::Minted(|basis| Mint::claim("iss", look_alike(basis, "iss")))),
    ISSUER
        .entry("iss-list", Make::Minted(|basis| Mint::claim("iss", json!([text(basis, "iss"), "https://x.example"])))),
    AUDIENCE.entry("aud-missing", Make::Minted(|_| Mint::claim("aud", Value::Null))),
    AUDIENCE.entry("aud-wrong", Make::Minted(|_| Mint::claim("aud", json!("another-api")))),
    AUDIENCE.entry("aud-look-alike", Make::Minted(|basis| Mint::claim("aud", look_alike(basis, "aud")))),
    AUDIENCE.entry("aud-prefix", Make::Minted(|basis| Mint::claim("aud", json!(shortened(&text(basis, "aud")))))),
    AUDIENCE.entry("aud-empty-list", Make::Minted(|_| Mint::claim("aud", json!([])))),
    KIND.entry("id-token", Make::Minted(id_token)),
    KIND.known("logout-token", "OpenID Back-Channel Logout §2.4, RFC 8725 §3.11", Make::Minted(logout_token)),
    KIND.entry("refresh-token", Make::Minted(refresh_token)),
    KIND.entry("typ-missing", Make::Minted(|_| Mint::header("typ", Value::Null))),
    CRITICAL.entry("crit-unknown", Make::Minted(unknown_critical)),
    CRITICAL.entry("crit-empty", Make::Minted(|_| Mint::header("crit", json!([])))),
    CRITICAL.known("b64-false", "RFC 7797 §6, RFC 7515 §4.1.11", Make::Minted(unencoded)),
    TWICE.entry("sub-twice-own-first", Make::DoubledSubject(Doubled::OwnFirst)),
    TWICE.entry("sub-twice-own-last", Make::DoubledSubject(Doubled::OwnLast)),
    OTHER_ALGORITHM.entry("same-family", Make::Minted(same_family)),
    BOUND.entry("dpop-bound-as-bearer", Make::Minted(dpop_bound)),
    BOUND.known("mtls-bound-as-bearer", "RFC 8705 §3", Make::Minted(mtls_bound)),
    STEP_UP.entry("acr-too-low", Make::Minted(|_| Mint::claim("acr", json!("0")))),
    STEP_UP
        .entry("auth-time-too-old", Make::Minted(|basis| Mint::claim("auth_time", json!(basis.now - 30 * 24 * 3600)))),
];

/// A token bound to the key of a client, for DPoP (RFC 9449 §6.1).
fn dpop_bound(basis: &Basis<'_>) -> Mint {
    Mint::claim("cnf", json!({"jkt": basis.thumbprint}))
}

/// RFC 8705 §3.1.
fn mtls_bound(basis: &Basis<'_>) -> Mint {
    Mint::claim("cnf", json!({"x5t#S256": basis.thumbprint}))
}

fn id_token(basis: &Basis<'_>) -> Mint {
    let client = basis.claims.get("client_id").cloned().unwrap_or(json!("client"));
    Mint::header("typ", json!("JWT"))
        .and("azp", client)
        .and("nonce", json!("n-0S6_WzA2Mj"))
        .and("at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ"))
        .and("scope", Value::Null)
        .and("client_id", Value::Null)
}

fn logout_token(_: &Basis<'_>) -> Mint {
    Mint::header("typ", json!("logout+jwt"))
        .and("events", json!({"http://schemas.openid.net/event/backchannel-logout": {}}))
        .and("sid", json!("devenv"))
        .and("scope", Value::Null)
}

fn refresh_token(_: &Basis<'_>) -> Mint {
    Mint::header("typ", json!("refresh+jwt")).and("token_use", json!("refresh")).and("scope", json!("offline_access"))
}

fn unknown_critical(_: &Basis<'_>) -> Mint {
    Mint::header("crit", json!(["urn:devenv:unknown"])).with("urn:devenv:unknown", json!(true))
}

/// The payload stays encoded, so that only the header decides.
fn unencoded(_: &Basis<'_>) -> Mint {
    Mint::header("b64", json!(false)).with("crit", json!(["b64"]))
}

fn text(basis: &Basis<'_>, claim: &str) -> String {
    let value = basis.claims.get(claim);
    let first = value.and_then(|value| value.as_str().or_else(|| value.get(0)?.as_str()));
    first.unwrap_or_default().to_owned()
}

/// What a verifier that compares beginnings takes for the real thing.
fn look_alike(basis: &Basis<'_>, claim: &str) -> Value {
    json!(format!("{}.attacker.example", text(basis, claim).trim_end_matches('/')))
}

/// What a verifier that looks for the claim inside its own name takes for the real thing.
fn shortened(name: &str) -> String {
    let mut name = name.to_owned();
    name.pop();
    name
}

/// Another hash of the same family: the key fits, the agreement does not.
fn same_family(basis: &Basis<'_>) -> Mint {
    let agreed = basis.header.get("alg").and_then(Value::as_str).unwrap_or_default();
    let sibling = match agreed {
        "HS256" | "HS384" => "HS512",
        "HS512" => "HS256",
        "RS256" => "RS384",
        "PS256" => "PS384",
        "RS384" | "RS512" => "RS256",
        "ES384" | "ES512" => "ES256",
        _ => "ES384",
    };
    Mint::header("alg", json!(sibling))
}
