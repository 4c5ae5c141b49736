//! Checks DPoP proofs (RFC 9449 §4.3), with at most one mistake. Must not know what a proof opens.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use serde_json::{Value, json};

use super::keys::es256;
use super::verifier::point;

pub(crate) struct Proven {
    pub(crate) thumbprint: String,
    pub(crate) identifier: String,
}

pub(crate) fn check(flaw: &str, (method, url, token): (&str, &str, &str), proof: &str, now: i64) -> Option<Proven> {
    let parts: Vec<&str> = proof.split('.').collect();
    let [head, payload, signature] = parts.as_slice() else { return None };
    let read = |part: &str| serde_json::from_slice::<Value>(&B64.decode(part).ok()?).ok();
    let (header, claims) = (read(head)?, read(payload)?);
    let key = header.get("jwk")?;
    let signed = es256(&point(key)?, &format!("{head}.{payload}"), &B64.decode(signature).ok()?);
    let url = url.split('?').next().unwrap_or_default();
    let hash = B64.encode(digest(&SHA256, token.as_bytes()));
    let fine = header["typ"] == "dpop+jwt"
        && header["alg"] == "ES256"
        && (claims["htm"] == method || flaw == "htm ignored")
        && (claims["htu"] == url || flaw == "htu ignored")
        && (claims["ath"] == json!(hash) || flaw == "ath ignored")
        && (claims["iat"].as_i64().is_some_and(|iat| (now - iat).abs() < 300) || flaw == "proof of any age");
    let canonical = format!(r#"{{"crv":{},"kty":{},"x":{},"y":{}}}"#, key["crv"], key["kty"], key["x"], key["y"]);
    let thumbprint = B64.encode(digest(&SHA256, canonical.as_bytes()));
    (signed && fine).then(|| Proven { thumbprint, identifier: claims["jti"].to_string() })
}
