//! The signing key: made, read, published, used (ES256, RFC 7518 §3.4).
//!
//! Must not know what the claims mean. The key is prepared once; nothing is parsed per token.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, ParsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::jws;
use crate::secret::Secret;

const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";

/// What a token is for. A verifier that ignores it takes an ID token for an access token (RFC 8725 §3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenType {
    /// RFC 9068 §2.1.
    Access,
    /// OpenID Connect Core §2.
    Id,
    /// RFC 9701 §5.
    Introspection,
}

impl TokenType {
    /// The `typ` header parameter.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Id => "JWT",
            Self::Introspection => "token-introspection+jwt",
        }
    }
}

/// A prepared P-256 key pair with everything derived from it.
pub(crate) struct SigningKey {
    pair: EcdsaKeyPair,
    public: ParsedPublicKey,
    key_id: String,
    jwk: Value,
    access_header: String,
    id_header: String,
    introspection_header: String,
}

/// A signature could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token could not be signed")]
pub(crate) struct SigningFailed;

impl SigningKey {
    /// Makes a key that lives as long as the process.
    pub(crate) fn generate() -> Result<Self, Error> {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| Error::KeyGeneration)
            .and_then(Self::prepare)
    }

    /// Reads a PKCS#8 PEM (RFC 5958, RFC 7468 §10).
    pub(crate) fn from_pem(pem: &Secret) -> Result<Self, Error> {
        let body = pem
            .expose()
            .trim()
            .strip_prefix(PEM_BEGIN)
            .and_then(|rest| rest.strip_suffix(PEM_END))
            .ok_or(Error::Key { problem: "it is not a PEM `PRIVATE KEY` block" })?;
        let text: String = body.split_whitespace().collect();
        let der = STANDARD.decode(text).map_err(|_| Error::Key { problem: "its base64 is broken" })?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der)
            .map_err(|_| Error::Key { problem: "it is not a PKCS#8 key on the curve P-256" })?;
        Self::prepare(pair)
    }

    fn prepare(pair: EcdsaKeyPair) -> Result<Self, Error> {
        let broken = || Error::Key { problem: "its public half cannot be used" };
        let point = pair.public_key().as_ref().to_vec();
        let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).map_err(|_| broken())?;
        // SEC 1 §2.3.3: an uncompressed point is 0x04, x, y.
        let (x, y) = point.get(1..33).zip(point.get(33..65)).ok_or_else(broken)?;
        let (x, y) = (jws::encode(x), jws::encode(y));
        let key_id = thumbprint(&x, &y);
        let header =
            |kind: TokenType| jws::encode(json!({"typ": kind.as_str(), "alg": "ES256", "kid": key_id}).to_string());
        Ok(Self {
            access_header: header(TokenType::Access),
            id_header: header(TokenType::Id),
            introspection_header: header(TokenType::Introspection),
            jwk: json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256", "kid": key_id}),
            pair,
            public,
            key_id,
        })
    }

    /// The JWK Set with the public half (RFC 7517 §5).
    pub(crate) fn jwk_set(&self) -> Value {
        json!({ "keys": [self.jwk] })
    }

    /// The key's name, its RFC 7638 thumbprint.
    pub(crate) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Signs claims as a token of this type.
    pub(crate) fn sign(&self, kind: TokenType, claims: &impl Serialize) -> Result<String, SigningFailed> {
        let header = match kind {
            TokenType::Access => &self.access_header,
            TokenType::Id => &self.id_header,
            TokenType::Introspection => &self.introspection_header,
        };
        let payload = serde_json::to_vec(claims).map_err(|_| SigningFailed)?;
        self.sign_parts(header, &payload)
    }

    /// Signs claims under a header of the caller's choice, for tokens that are broken on request.
    pub(crate) fn sign_with_header(&self, header: &Value, claims: &impl Serialize) -> Result<String, SigningFailed> {
        let payload = serde_json::to_vec(claims).map_err(|_| SigningFailed)?;
        self.sign_parts(&jws::encode(header.to_string()), &payload)
    }

    fn sign_parts(&self, encoded_header: &str, payload: &[u8]) -> Result<String, SigningFailed> {
        let mut token = String::with_capacity(encoded_header.len() + payload.len() * 4 / 3 + 96);
        token.push_str(encoded_header);
        token.push('.');
        token.push_str(&jws::encode(payload));
        let signature = self.pair.sign(&SystemRandom::new(), token.as_bytes()).map_err(|_| SigningFailed)?;
        token.push('.');
        token.push_str(&jws::encode(signature));
        Ok(token)
    }

    /// The payload of a token of this type that this key signed, and nothing else.
    ///
    /// The algorithm is ours, not the token's: stops `alg: none` and key confusion (RFC 8725 §3.1).
    pub(crate) fn verify(&self, token: &str, kind: TokenType) -> Option<Vec<u8>> {
        let compact = jws::parse(token)?;
        let header = &compact.header;
        let ours = header.alg == "ES256"
            && header.typ.as_deref() == Some(kind.as_str())
            && header.kid.as_deref() == Some(self.key_id())
            && header.crit.is_none();
        if !ours {
            return None;
        }
        self.public.verify_sig(compact.signing_input.as_bytes(), &compact.signature).ok()?;
        Some(compact.payload)
    }
}

/// Makes an ES256 signing key as PKCS#8 PEM, for a caller that keeps one per project.
///
/// # Errors
/// When the machine has no randomness to give.
pub fn generate_signing_key() -> Result<Secret, Error> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| Error::KeyGeneration)?;
    let der = pair.to_pkcs8v1().map_err(|_| Error::KeyGeneration)?;
    let text = STANDARD.encode(der.as_ref());
    let mut pem = format!("{PEM_BEGIN}\n");
    // RFC 7468 §2: 64 characters to a line.
    for (index, character) in text.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str(&format!("\n{PEM_END}\n"));
    Ok(Secret::new(pem))
}

/// RFC 7638 §3: the members that make the key, in lexical order, without white space.
fn thumbprint(x: &str, y: &str) -> String {
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    jws::encode(digest(&SHA256, canonical.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_can_be_read_back_and_keeps_its_name() {
        let pem = generate_signing_key().unwrap();
        let first = SigningKey::from_pem(&pem).unwrap();
        let second = SigningKey::from_pem(&pem).unwrap();
        assert_eq!(first.key_id(), second.key_id());
        assert!(pem.expose().lines().all(|line| line.len() <= 64), "RFC 7468 line length");
    }

    #[test]
    fn a_key_that_is_no_pem_is_named_as_the_problem_without_being_shown() {
        let error = SigningKey::from_pem(&Secret::new("hunter2")).err().unwrap().to_string();
        assert!(error.contains("PRIVATE KEY") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_key_verifies_what_it_signed_and_nothing_of_another_key_or_type() {
        let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let token = key.sign(TokenType::Access, &json!({"sub": "alice"})).unwrap();
        assert_eq!(key.verify(&token, TokenType::Access).unwrap(), br#"{"sub":"alice"}"#);
        assert!(key.verify(&token, TokenType::Id).is_none());
        assert!(other.verify(&token, TokenType::Access).is_none());
    }

    #[test]
    fn the_thumbprint_follows_rfc_7638() {
        // RFC 7638 §3.2 fixes the member order for EC keys; the expected text was computed with `openssl dgst -sha256`.
        let x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
        let y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
        assert_eq!(thumbprint(x, y), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
    }
}
