//! Public keys of others: read from JSON, named, and used to check what their owners signed (RFC 7517, RFC 7518, RFC 8037).
//!
//! Must not know what was signed or why.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::jws::{self, Compact};

/// A JWK Set with public keys (RFC 7517 §5).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys, each a JWK.
    pub keys: Vec<Map<String, Value>>,
}

/// The signature algorithms that are accepted from others. `none` and HMAC under a public key are not among them, so no
/// confusion can lead there (RFC 8725 §3.1).
pub(crate) const ALGORITHMS: [&str; 4] = ["ES256", "RS256", "PS256", "EdDSA"];

impl JwkSet {
    /// What is wrong with the first key that cannot be used.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        if self.keys.is_empty() {
            return Some("the set has no keys");
        }
        self.keys.iter().find_map(|jwk| PublicKey::from_jwk(jwk).err())
    }

    /// Whether one of the keys signed this: the one that `kid` names, or any where there is no `kid`.
    pub(crate) fn verifies(&self, compact: &Compact<'_>) -> bool {
        let named = |jwk: &&Map<String, Value>| match (&compact.header.kid, jwk.get("kid").and_then(Value::as_str)) {
            (Some(wanted), Some(kid)) => wanted == kid,
            (Some(_), None) | (None, _) => true,
        };
        let usable = |jwk: &&Map<String, Value>| {
            let says = |name: &str, value: &str| jwk.get(name).is_none_or(|found| found == value);
            says("use", "sig") && says("alg", &compact.header.alg)
        };
        self.keys
            .iter()
            .filter(named)
            .filter(usable)
            .filter_map(|jwk| PublicKey::from_jwk(jwk).ok())
            .any(|key| key.verifies(&compact.header.alg, compact.signing_input.as_bytes(), &compact.signature))
    }
}

/// One public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicKey {
    /// P-256, the uncompressed point.
    P256(Vec<u8>),
    /// Modulus and exponent.
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    /// Ed25519.
    Ed25519(Vec<u8>),
}

impl PublicKey {
    /// Reads a JWK, which must be public: whoever publishes a private key has lost it.
    pub(crate) fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, &'static str> {
        if ["d", "p", "q", "dp", "dq", "qi", "k"].iter().any(|name| jwk.contains_key(*name)) {
            return Err("it has a private part; only public keys belong here");
        }
        let text = |name: &str| jwk.get(name).and_then(Value::as_str).unwrap_or_default();
        let bytes = |name: &str| jws::decode(text(name)).filter(|bytes| !bytes.is_empty());
        match (text("kty"), text("crv")) {
            ("EC", "P-256") => match (bytes("x"), bytes("y")) {
                (Some(x), Some(y)) if x.len() == 32 && y.len() == 32 => {
                    Ok(Self::P256([[0x04].as_slice(), &x, &y].concat()))
                }
                _ => Err("`x` and `y` must be 32 bytes in base64url"),
            },
            ("RSA", _) => match (bytes("n"), bytes("e")) {
                (Some(modulus), Some(exponent)) if modulus.len() >= 256 => Ok(Self::Rsa { modulus, exponent }),
                (Some(_), Some(_)) => Err("an RSA key must have 2048 bits at least"),
                _ => Err("`n` and `e` must be base64url"),
            },
            ("OKP", "Ed25519") => match bytes("x") {
                Some(x) if x.len() == 32 => Ok(Self::Ed25519(x)),
                _ => Err("`x` must be 32 bytes in base64url"),
            },
            _ => Err("its type must be EC with P-256, RSA, or OKP with Ed25519"),
        }
    }

    /// Whether the key made this signature with this algorithm.
    pub(crate) fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm) {
            (Self::P256(point), "ES256") => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
            (Self::Rsa { modulus, exponent }, "RS256") => RsaPublicKeyComponents { n: modulus, e: exponent }
                .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
                .is_ok(),
            (Self::Rsa { modulus, exponent }, "PS256") => RsaPublicKeyComponents { n: modulus, e: exponent }
                .verify(&RSA_PSS_2048_8192_SHA256, message, signature)
                .is_ok(),
            (Self::Ed25519(point), "EdDSA" | "Ed25519") => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature).is_ok()
            }
            _ => false,
        }
    }

    /// The key's name (RFC 7638 §3): its members in lexical order, without white space, hashed.
    pub(crate) fn thumbprint(&self) -> String {
        let canonical = match self {
            Self::P256(point) => {
                let (x, y) = (point.get(1..33).unwrap_or_default(), point.get(33..65).unwrap_or_default());
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, jws::encode(x), jws::encode(y))
            }
            Self::Rsa { modulus, exponent } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, jws::encode(exponent), jws::encode(modulus))
            }
            Self::Ed25519(point) => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, jws::encode(point)),
        };
        jws::encode(digest(&SHA256, canonical.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
        RsaKeyPair,
    };
    use serde_json::json;

    use super::*;

    fn key(text: &str) -> Result<PublicKey, &'static str> {
        PublicKey::from_jwk(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn the_signature_of_rfc_7515_appendix_a_3_is_recognised_and_no_other() {
        let key = key(
            r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        )
        .unwrap();
        let token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        let compact = jws::parse(token).unwrap();
        let message = compact.signing_input.as_bytes();
        assert!(key.verifies("ES256", message, &compact.signature));
        for algorithm in ["none", "HS256", "RS256", "EdDSA", "es256"] {
            assert!(!key.verifies(algorithm, message, &compact.signature), "{algorithm}");
        }
        assert!(!key.verifies("ES256", b"other", &compact.signature));
    }

    #[test]
    fn the_thumbprint_of_rfc_7638_section_3_1_holds() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let key = key(&format!(r#"{{"kty":"RSA","e":"AQAB","n":"{n}","alg":"RS256","kid":"2011-04-29"}}"#)).unwrap();
        assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn every_announced_algorithm_verifies_what_its_own_key_signed_and_nothing_else() {
        let random = SystemRandom::new();
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let components: RsaPublicKeyComponents<Vec<u8>> = RsaPublicKeyComponents::from(rsa.public_key());
        let rsa_jwk = json!({"kty": "RSA", "n": jws::encode(components.n), "e": jws::encode(components.e)});
        let edwards = Ed25519KeyPair::generate().unwrap();
        let edwards_jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": jws::encode(edwards.public_key())});
        let curve = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = curve.public_key().as_ref();
        let (x, y) = (jws::encode(&point[1..33]), jws::encode(&point[33..65]));
        let curve_jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
        let rsa_signature = |encoding| {
            let mut signature = vec![0; rsa.public_modulus_len()];
            rsa.sign(encoding, &random, b"message", &mut signature).unwrap();
            signature
        };
        let signed = [
            ("ES256", curve_jwk, curve.sign(&random, b"message").unwrap().as_ref().to_vec()),
            ("RS256", rsa_jwk.clone(), rsa_signature(&RSA_PKCS1_SHA256)),
            ("PS256", rsa_jwk, rsa_signature(&RSA_PSS_SHA256)),
            ("EdDSA", edwards_jwk, edwards.sign(b"message").as_ref().to_vec()),
        ];
        assert_eq!(signed.iter().map(|(algorithm, ..)| *algorithm).collect::<Vec<_>>(), ALGORITHMS);
        for (algorithm, jwk, signature) in &signed {
            let key = PublicKey::from_jwk(jwk.as_object().unwrap()).unwrap();
            for (other, ..) in &signed {
                assert_eq!(key.verifies(other, b"message", signature), other == algorithm, "{algorithm} as {other}");
            }
        }
    }

    #[test]
    fn private_symmetric_weak_and_unknown_keys_are_refused() {
        for (text, expected) in [
            (r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}"#, "private"),
            (r#"{"kty":"oct","k":"AA"}"#, "private"),
            (r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#, "2048"),
            (r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#, "32 bytes"),
            (r#"{"kty":"EC","crv":"P-521"}"#, "type"),
            ("{}", "type"),
        ] {
            assert!(key(text).unwrap_err().contains(expected), "{text}");
        }
    }
}
