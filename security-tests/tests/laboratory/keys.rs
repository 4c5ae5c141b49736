//! Keys of the laboratory, and the published one in every form in which a verifier may keep it. Written independently of
//! what the catalogue does.

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey as Peer, agree};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as B64};
use security_tests::tokens::Signer;
use serde_json::{Value, json};

pub(crate) enum Key {
    Es(Box<EcdsaKeyPair>),
    Rs(Box<RsaKeyPair>),
    Hs(Vec<u8>),
}

impl Key {
    pub(crate) fn es() -> Self {
        Self::Es(Box::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()))
    }

    pub(crate) fn rs() -> Self {
        Self::Rs(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Es(_) => "ES256",
            Self::Rs(_) => "RS256",
            Self::Hs(_) => "HS256",
        }
    }

    pub(crate) fn public(&self) -> &[u8] {
        match self {
            Self::Es(pair) => pair.public_key().as_ref(),
            Self::Rs(pair) => pair.public_key().as_ref(),
            Self::Hs(_) => &[],
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Es(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Rs(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
            Self::Hs(secret) => tag("HS256", secret, std::str::from_utf8(message).unwrap()).unwrap(),
        }
    }

    pub(crate) fn verifies(&self, message: &str, signature: &[u8]) -> bool {
        match self {
            Self::Es(_) => es256(self.public(), message, signature),
            Self::Rs(_) => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.public())
                .verify(message.as_bytes(), signature)
                .is_ok(),
            Self::Hs(secret) => tag("HS256", secret, message).unwrap() == signature,
        }
    }

    pub(crate) fn jwk(&self) -> Value {
        match self {
            Self::Es(_) => {
                let (x, y) = (B64.encode(&self.public()[1..33]), B64.encode(&self.public()[33..]));
                json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "k1", "use": "sig"})
            }
            // SEQUENCE (4), INTEGER of 257 bytes (4 and a zero), INTEGER 65537.
            Self::Rs(_) => json!({"kty": "RSA", "n": B64.encode(&self.public()[9..265]), "e": "AQAB", "kid": "k1"}),
            Self::Hs(_) => json!({"kty": "oct", "kid": "k1"}),
        }
    }

    /// `SubjectPublicKeyInfo`.
    pub(crate) fn der(&self) -> Vec<u8> {
        let head = match self {
            Self::Es(_) => "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=",
            _ => "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A",
        };
        [STANDARD.decode(head).unwrap(), self.public().to_vec()].concat()
    }

    pub(crate) fn pem(&self) -> String {
        armoured("PUBLIC KEY", &self.der())
    }

    /// What ECDH-ES (RFC 7518 §4.6) with another key gives.
    pub(crate) fn agreed_key(&self, x: &[u8], y: &[u8]) -> Vec<u8> {
        let Self::Es(pair) = self else { panic!("only an EC key agrees") };
        let der = pair.to_pkcs8v1().unwrap();
        let own = PrivateKey::from_private_key_der(&ECDH_P256, der.as_ref()).unwrap();
        let point = [&[4], x, y].concat();
        agree(&own, Peer::new(&ECDH_P256, point), (), |shared| {
            let name = [&[0, 0, 0, 7], &b"A256GCM"[..]].concat();
            let input = [&[0, 0, 0, 1], shared, &name, &[0; 8], &[0, 0, 1, 0]].concat();
            Ok(digest(&SHA256, &input).as_ref().to_vec())
        })
        .unwrap()
    }
}

impl Signer for Key {
    fn jwk(&self) -> Value {
        let mut jwk = Key::jwk(self);
        jwk.as_object_mut().unwrap().retain(|name, _| name != "kid" && name != "use");
        jwk
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        Key::sign(self, message)
    }
}

pub(crate) fn armoured(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// The line of an SSH key file for a P-256 key.
pub(crate) fn ssh(point: &[u8]) -> String {
    let mut blob = Vec::new();
    for part in [b"ecdsa-sha2-nistp256", &b"nistp256"[..], point] {
        blob.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
        blob.extend(part);
    }
    format!("ecdsa-sha2-nistp256 {}", STANDARD.encode(blob))
}

pub(crate) fn es256(point: &[u8], message: &str, signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message.as_bytes(), signature).is_ok()
}

pub(crate) fn tag(algorithm: &str, secret: &[u8], message: &str) -> Option<Vec<u8>> {
    let algorithm = match algorithm {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        _ => return None,
    };
    Some(hmac::sign(&hmac::Key::new(algorithm, secret), message.as_bytes()).as_ref().to_vec())
}
