//! DPoP proofs (RFC 9449 §4.2), good ones and ones that prove something else. Pure: key, time and identifier are
//! arguments.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use serde_json::json;

use super::{BASE64URL, Signer};

/// What is wrong with a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Nothing.
    Good,
    /// `htm` is another method.
    OtherMethod,
    /// `htu` is another URL.
    OtherUrl,
    /// `ath` is of another token.
    OtherToken,
    /// `jti` was used before, by [`Proof::Good`].
    Replayed,
    /// `iat` is an hour ago.
    Old,
}

/// The request that a proof is for.
#[derive(Clone, Copy, Debug)]
pub struct ProofOf<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// URL; query and fragment are left out.
    pub url: &'a str,
    /// The access token.
    pub token: &'a str,
    /// Identifier of the run.
    pub run: &'a str,
    /// Seconds since 1970.
    pub now: i64,
}

/// A proof by the key that the token is bound to.
#[must_use]
pub fn prove(signer: &dyn Signer, request: ProofOf<'_>, proof: Proof) -> String {
    let url = request.url.split(['?', '#']).next().unwrap_or_default();
    let hash = |text: &str| BASE64URL.encode(digest(&SHA256, text.as_bytes()));
    let identifier = if proof == Proof::Replayed { Proof::Good } else { proof };
    let claims = json!({
        "jti": format!("{}-{identifier:?}", request.run),
        "htm": if proof == Proof::OtherMethod { "DELETE" } else { request.method },
        "htu": if proof == Proof::OtherUrl { "https://other.example/" } else { url },
        "ath": hash(if proof == Proof::OtherToken { "another token" } else { request.token }),
        "iat": if proof == Proof::Old { request.now - 3600 } else { request.now },
    });
    let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": signer.jwk()});
    let message = format!("{}.{}", BASE64URL.encode(header.to_string()), BASE64URL.encode(claims.to_string()));
    format!("{message}.{}", BASE64URL.encode(signer.sign(message.as_bytes())))
}
