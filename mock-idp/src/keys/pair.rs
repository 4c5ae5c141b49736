//! A key pair of any of our algorithms: made, read, written, its public half, its signatures.
//!
//! Must not know tokens. A pair is prepared once; nothing is parsed per signature.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair, VerificationAlgorithm,
};
use serde_json::{Value, json};

use super::algorithm::Algorithm;
use crate::error::Error;
use crate::jws;

/// The private half.
pub(super) enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
}

impl Pair {
    pub(super) fn generate(algorithm: Algorithm) -> Result<Self, Error> {
        let failed = |_| Error::KeyGeneration;
        match algorithm {
            Algorithm::ES256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Self::Ecdsa).map_err(failed)
            }
            Algorithm::EdDsa => Ed25519KeyPair::generate().map(Self::Ed25519).map_err(failed),
            Algorithm::RS256 | Algorithm::PS256 => RsaKeyPair::generate(KeySize::Rsa2048)
                .map(|pair| Self::Rsa(Box::new(pair), encoding(algorithm)))
                .map_err(failed),
        }
    }

    pub(super) fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, Error> {
        let wrong = |problem| move |_| Error::Key { problem };
        match algorithm {
            Algorithm::ES256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
                .map(Self::Ecdsa)
                .map_err(wrong("it is not a PKCS#8 key on the curve P-256")),
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(der)
                .map(Self::Ed25519)
                .map_err(wrong("it is not a PKCS#8 key on the curve Ed25519")),
            Algorithm::RS256 | Algorithm::PS256 => RsaKeyPair::from_pkcs8(der)
                .map(|pair| Self::Rsa(Box::new(pair), encoding(algorithm)))
                .map_err(wrong("it is not a PKCS#8 RSA key of 2048 bits or more")),
        }
    }

    /// The pair as PKCS#8, to be kept.
    pub(super) fn to_pkcs8(&self) -> Result<Vec<u8>, Error> {
        let failed = |_| Error::KeyGeneration;
        match self {
            Self::Ecdsa(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()).map_err(failed),
            Self::Ed25519(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()).map_err(failed),
            Self::Rsa(pair, _) => (**pair).as_der().map(|der| der.as_ref().to_vec()).map_err(failed),
        }
    }

    /// Signs as JWS wants it (RFC 7518 §3.3–3.5, RFC 8037 §3.1).
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Ecdsa(pair) => Some(pair.sign(&SystemRandom::new(), message).ok()?.as_ref().to_vec()),
            Self::Ed25519(pair) => Some(pair.try_sign(message).ok()?.as_ref().to_vec()),
            Self::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &SystemRandom::new(), message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }
}

fn encoding(algorithm: Algorithm) -> &'static dyn RsaEncoding {
    if algorithm == Algorithm::PS256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 }
}

/// The public half: to verify with, and the members of its JWK that make the key (RFC 7638 §3.2).
pub(super) struct Public {
    pub(super) key: ParsedPublicKey,
    /// The required members, in lexical order as written here.
    pub(super) members: Vec<(&'static str, String)>,
}

impl Public {
    pub(super) fn of(pair: &Pair, algorithm: Algorithm) -> Result<Self, Error> {
        let broken = || Error::Key { problem: "its public half cannot be used" };
        let (bytes, members) = match pair {
            Pair::Ecdsa(pair) => {
                let point = pair.public_key().as_ref().to_vec();
                // SEC 1 §2.3.3: an uncompressed point is 0x04, x, y.
                let (x, y) = point.get(1..33).zip(point.get(33..65)).ok_or_else(broken)?;
                let named = |text: &str| text.to_owned();
                let members =
                    vec![("crv", named("P-256")), ("kty", named("EC")), ("x", jws::encode(x)), ("y", jws::encode(y))];
                (point, members)
            }
            Pair::Ed25519(pair) => {
                let point = pair.public_key().as_ref().to_vec();
                let x = jws::encode(&point);
                (point, vec![("crv", "Ed25519".to_owned()), ("kty", "OKP".to_owned()), ("x", x)])
            }
            Pair::Rsa(pair, _) => {
                let der = pair.public_key().as_ref().to_vec();
                let (n, e) = modulus_and_exponent(&der).ok_or_else(broken)?;
                let members = vec![("e", jws::encode(e)), ("kty", "RSA".to_owned()), ("n", jws::encode(n))];
                (der, members)
            }
        };
        let key = ParsedPublicKey::new(verifier(algorithm), &bytes).map_err(|_| broken())?;
        Ok(Self { key, members })
    }

    /// The key's published form (RFC 7517 §4).
    pub(super) fn jwk(&self, algorithm: Algorithm, key_id: &str) -> Value {
        let mut jwk = json!({"use": "sig", "alg": algorithm.as_str(), "kid": key_id});
        if let Value::Object(object) = &mut jwk {
            object.extend(self.members.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))));
        }
        jwk
    }
}

fn verifier(algorithm: Algorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        Algorithm::ES256 => &ECDSA_P256_SHA256_FIXED,
        Algorithm::EdDsa => &ED25519,
        Algorithm::RS256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
    }
}

/// The two integers of an `RSAPublicKey` (RFC 8017 appendix A.1.1), without leading zeros.
fn modulus_and_exponent(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, rest) = value(der, 0x30)?;
    let (modulus, after) = value(sequence, 0x02)?;
    let (exponent, end) = value(after, 0x02)?;
    (rest.is_empty() && end.is_empty()).then(|| (unsigned(modulus), unsigned(exponent)))
}

/// One DER value with this tag, and what follows it (X.690 §8.1).
fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    (first == tag).then(|| rest.split_at_checked(length))?
}

fn unsigned(integer: &[u8]) -> &[u8] {
    let zeros = integer.iter().take_while(|byte| **byte == 0).count();
    integer.get(zeros..).unwrap_or_default()
}

impl Public {
    /// The public key as a PEM block (RFC 7468 §13), what a confused verifier takes for a shared secret.
    pub(super) fn pem(&self) -> Option<String> {
        let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> = self.key.as_der().ok()?;
        Some(super::pem::block("PUBLIC KEY", der.as_ref()))
    }
}
