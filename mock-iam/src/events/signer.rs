//! The transmitter's keys: RS256, as the CAEP interoperability profile 1.0 §2.6 demands. Must not know events.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::set::Fault;

/// A published key, and another that only forges; signs security events, and tokens of the GitHub endpoint by a set of its
/// own.
pub(crate) struct Signer {
    key: RsaKeyPair,
    forger: RsaKeyPair,
    key_id: String,
    jwk: Value,
}

impl Signer {
    /// Makes keys that live as long as the process.
    pub(crate) fn generate() -> Option<Self> {
        let make = || RsaKeyPair::generate(KeySize::Rsa2048).ok();
        let (key, forger) = (make()?, make()?);
        let public = key.public_key();
        let modulus = encode(public.modulus().big_endian_without_leading_zero());
        let exponent = encode(public.exponent().big_endian_without_leading_zero());
        // RFC 7638 §3.2: the members in this order and nothing else.
        let thumbprint = format!("{{\"e\":\"{exponent}\",\"kty\":\"RSA\",\"n\":\"{modulus}\"}}");
        let key_id = encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, thumbprint.as_bytes()));
        let jwk = json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": key_id, "n": modulus, "e": exponent });
        Some(Self { key, forger, key_id, jwk })
    }

    /// The published half (RFC 7517 §5).
    pub(crate) fn jwk_set(&self) -> Value {
        json!({ "keys": [self.jwk] })
    }

    /// Signs an event.
    pub(crate) fn sign(&self, claims: Map<String, Value>, fault: Fault) -> Option<String> {
        let (header, claims) = fault.spoil(&self.key_id, claims);
        self.compact(&header, claims, fault)
    }

    /// Signs an ordinary JWT.
    pub(crate) fn sign_jwt(&self, claims: Map<String, Value>) -> Option<String> {
        self.compact(&json!({ "typ": "JWT", "alg": "RS256", "kid": self.key_id }), claims, Fault::None)
    }

    fn compact(&self, header: &Value, claims: Map<String, Value>, fault: Fault) -> Option<String> {
        let input = format!("{}.{}", encode(header.to_string()), encode(Value::Object(claims).to_string()));
        if fault == Fault::Unsigned {
            return Some(format!("{input}."));
        }
        let key = if fault == Fault::Forged { &self.forger } else { &self.key };
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature).ok()?;
        Some(format!("{input}.{}", encode(signature)))
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
