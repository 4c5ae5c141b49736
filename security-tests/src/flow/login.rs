//! What a login brings, as it is recorded: tokens in names only, the claims of an ID token and what became of its
//! signature. Pure; the runner calls it before anything is kept. Must not know checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{self, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// What is said of a signature that a published key made.
pub(crate) const VERIFIED: &str = "verified";

/// An ID token as it is recorded: header, claims, what became of its signature, and whether `at_hash` belongs to the
/// access token beside it (OpenID Connect Core §3.1.3.6).
pub(crate) fn recorded_id_token(token: &str, access_token: Option<&str>, keys: &[Value]) -> Value {
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(signature)) =
        (decoded(parts.next()), decoded(parts.next()), parts.next().and_then(bytes))
    else {
        return json!({"signature": "the token is no JWT"});
    };
    let signed = token.rsplit_once('.').map_or("", |(signed, _)| signed);
    let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or_default();
    let at_hash = claims.get("at_hash").and_then(Value::as_str).map(|hash| {
        let expected = access_token.and_then(|token| half_hash(algorithm, token));
        expected.map_or("unknown", |expected| if expected == hash { "right" } else { "wrong" })
    });
    let signature = verify(&header, signed, &signature, keys);
    json!({"header": header, "claims": claims, "signature": signature, "at_hash": at_hash})
}

/// The claims of a JWT, unverified; nothing for an opaque token.
pub(crate) fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, claims) = (decoded(parts.next())?, decoded(parts.next())?);
    (parts.count() == 1).then_some(claims)
}

/// Verifies with the published key that the header names, or with any when it names none.
fn verify(header: &Value, signed: &str, signature: &[u8], keys: &[Value]) -> String {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let algorithm = text(header, "alg").unwrap_or_default();
    if algorithm.eq_ignore_ascii_case("none") {
        return "the token is not signed".to_owned();
    }
    let kid = text(header, "kid");
    let named = |key: &&Value| kid.is_none() || text(key, "kid") == kid;
    let candidates: Vec<&Value> = keys.iter().filter(named).collect();
    if candidates.is_empty() {
        return format!("no published key is called `{}`", kid.unwrap_or_default());
    }
    match candidates.iter().map(|key| verifies(key, &algorithm, signed.as_bytes(), signature)).max() {
        Some(Verified::Yes) => VERIFIED.to_owned(),
        Some(Verified::No) => "no published key made the signature".to_owned(),
        Some(Verified::Unknown) | None => format!("`{algorithm}` cannot be verified here"),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verified {
    Unknown,
    No,
    Yes,
}

fn verifies(key: &Value, algorithm: &str, message: &[u8], signature: &[u8]) -> Verified {
    let part = |name: &str| key.get(name).and_then(Value::as_str).and_then(bytes);
    let of = |verified: bool| if verified { Verified::Yes } else { Verified::No };
    let point = || Some([vec![4], part("x")?, part("y")?].concat());
    let elliptic =
        |curve| point().map(|point| of(UnparsedPublicKey::new(curve, point).verify(message, signature).is_ok()));
    let rsa = |parameters| {
        let (n, e) = (part("n")?, part("e")?);
        Some(of(PublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()))
    };
    let verified = match algorithm {
        "ES256" => elliptic(&signature::ECDSA_P256_SHA256_FIXED),
        "ES384" => elliptic(&signature::ECDSA_P384_SHA384_FIXED),
        "EdDSA" => {
            part("x").map(|x| of(UnparsedPublicKey::new(&signature::ED25519, x).verify(message, signature).is_ok()))
        }
        "RS256" => rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        "RS384" => rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        "RS512" => rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        "PS256" => rsa(&signature::RSA_PSS_2048_8192_SHA256),
        _ => return Verified::Unknown,
    };
    // A key of another type did not make it.
    verified.unwrap_or(Verified::No)
}

/// The left half of the hash that the signature uses (OpenID Connect Core §3.1.3.6); Ed25519 uses SHA-512 (RFC 8032).
fn half_hash(algorithm: &str, token: &str) -> Option<String> {
    let kind = match algorithm.get(2..)? {
        "256" => &SHA256,
        "384" => &SHA384,
        "512" | "DSA" => &SHA512,
        _ => return None,
    };
    let hash = digest(kind, token.as_bytes());
    let half = hash.as_ref().get(..hash.as_ref().len() / 2)?;
    Some(URL_SAFE_NO_PAD.encode(half))
}

fn decoded(part: Option<&str>) -> Option<Value> {
    serde_json::from_slice(&bytes(part?)?).ok()
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515 appendix A.3: ES256 with the key of that appendix.
    const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    fn key() -> Value {
        json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})
    }

    fn of(token: &str, keys: &[Value]) -> String {
        recorded_id_token(token, None, keys)["signature"].as_str().unwrap().to_owned()
    }

    #[test]
    fn the_signature_of_rfc_7515_is_verified_and_an_altered_one_is_not() {
        assert_eq!(of(TOKEN, &[key()]), VERIFIED);
        assert_eq!(of(&TOKEN.replace(".DtEh", ".EtEh"), &[key()]), "no published key made the signature");
        assert_eq!(of("eyJhbGciOiJub25lIn0.e30.", &[key()]), "the token is not signed");
        assert_eq!(of("opaque", &[key()]), "the token is no JWT");
    }

    #[test]
    fn the_half_hash_is_that_of_the_core_specification() {
        // OpenID Connect Core appendix A.3.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(half_hash("RS256", token).as_deref(), Some("77QmUPtjPfzWtF2AnpK9RQ"));
    }
}
