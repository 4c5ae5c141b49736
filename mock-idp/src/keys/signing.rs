//! One signing key with everything derived from it: its name, its public form, its headers.
//!
//! Must not know which other keys there are.

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;
use serde_json::{Value, json};

use super::algorithm::Algorithm;
use super::pair::{Pair, Public};
use super::pem;
use crate::error::Error;
use crate::jws;
use crate::secret::Secret;

/// What a token is for. A verifier that ignores it takes an ID token for an access token (RFC 8725 §3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenType {
    /// RFC 9068 §2.1.
    Access,
    /// OpenID Connect Core §2.
    Id,
    /// OpenID Connect Back-Channel Logout §2.4.
    Logout,
    /// RFC 9701 §5.
    Introspection,
}

impl TokenType {
    /// The `typ` header parameter.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Id => "JWT",
            Self::Logout => "logout+jwt",
            Self::Introspection => "token-introspection+jwt",
        }
    }
}

/// A prepared key pair.
pub(crate) struct SigningKey {
    algorithm: Algorithm,
    pair: Pair,
    public: Public,
    key_id: String,
    jwk: Value,
    access_header: String,
    id_header: String,
}

/// A signature could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token could not be signed")]
pub(crate) struct SigningFailed;

impl SigningKey {
    /// Makes a key. An RSA key takes long: never on a thread that answers requests.
    pub(crate) fn generate(algorithm: Algorithm) -> Result<Self, Error> {
        Self::prepare(algorithm, Pair::generate(algorithm)?)
    }

    /// Reads a PKCS#8 PEM of this algorithm.
    pub(crate) fn from_pem(algorithm: Algorithm, text: &Secret) -> Result<Self, Error> {
        Self::prepare(algorithm, Pair::from_pkcs8(algorithm, &pem::decode(text)?)?)
    }

    /// The private key as PKCS#8 PEM.
    pub(crate) fn to_pem(&self) -> Result<Secret, Error> {
        self.pair.to_pkcs8().map(|der| pem::encode(&der))
    }

    fn prepare(algorithm: Algorithm, pair: Pair) -> Result<Self, Error> {
        let public = Public::of(&pair, algorithm)?;
        let key_id = thumbprint(&public.members);
        let header = |kind: TokenType| {
            jws::encode(json!({"typ": kind.as_str(), "alg": algorithm.as_str(), "kid": key_id}).to_string())
        };
        Ok(Self {
            access_header: header(TokenType::Access),
            id_header: header(TokenType::Id),
            jwk: public.jwk(algorithm, &key_id),
            algorithm,
            pair,
            public,
            key_id,
        })
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public half as a PEM block.
    pub(crate) fn public_pem(&self) -> Option<String> {
        self.public.pem()
    }

    /// The public half as a JWK (RFC 7517 §4).
    pub(crate) fn jwk(&self) -> &Value {
        &self.jwk
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
            TokenType::Logout | TokenType::Introspection => {
                let header = json!({"typ": kind.as_str(), "alg": self.algorithm.as_str(), "kid": self.key_id});
                return self.sign_with_header(&header, claims);
            }
        };
        let payload = serde_json::to_vec(claims).map_err(|_| SigningFailed)?;
        self.sign_parts(header, &payload)
    }

    /// Signs claims under a header of the caller's choice, for tokens that are broken on request.
    pub(crate) fn sign_with_header(&self, header: &Value, claims: &impl Serialize) -> Result<String, SigningFailed> {
        let payload = serde_json::to_vec(claims).map_err(|_| SigningFailed)?;
        self.sign_parts(&jws::encode(header.to_string()), &payload)
    }

    /// Signs an encoded header and a payload as they are.
    pub(crate) fn sign_parts(&self, encoded_header: &str, payload: &[u8]) -> Result<String, SigningFailed> {
        let mut token = String::with_capacity(encoded_header.len() + payload.len() * 4 / 3 + 96);
        token.push_str(encoded_header);
        token.push('.');
        token.push_str(&jws::encode(payload));
        let signature = self.pair.sign(token.as_bytes()).ok_or(SigningFailed)?;
        token.push('.');
        token.push_str(&jws::encode(signature));
        Ok(token)
    }

    /// Whether the header is as this key writes it for a token of this type.
    pub(super) fn is_meant(&self, compact: &jws::Compact<'_>, kind: TokenType) -> bool {
        let header = &compact.header;
        header.alg == self.algorithm.as_str()
            && header.typ.as_deref() == Some(kind.as_str())
            && header.kid.as_deref() == Some(self.key_id())
            && header.crit.is_none()
    }

    /// The payload of a token of this type that this key signed, and nothing else.
    ///
    /// The algorithm is ours, not the token's: stops `alg: none` and key confusion (RFC 8725 §3.1).
    pub(super) fn verify_parsed(&self, compact: jws::Compact<'_>, kind: TokenType) -> Option<Vec<u8>> {
        if !self.is_meant(&compact, kind) {
            return None;
        }
        self.public.key.verify_sig(compact.signing_input.as_bytes(), &compact.signature).ok()?;
        Some(compact.payload)
    }
}

/// Makes a signing key as PKCS#8 PEM, for a caller that keeps it.
///
/// # Errors
/// When the machine has no randomness to give.
pub fn generate_key(algorithm: Algorithm) -> Result<Secret, Error> {
    Pair::generate(algorithm)?.to_pkcs8().map(|der| pem::encode(&der))
}

/// RFC 7638 §3: the members that make the key, in lexical order, without white space.
fn thumbprint(members: &[(&str, String)]) -> String {
    let inner: Vec<String> = members.iter().map(|(name, value)| format!(r#""{name}":"{value}""#)).collect();
    jws::encode(digest(&SHA256, format!("{{{}}}", inner.join(",")).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verify(key: &SigningKey, token: &str, kind: TokenType) -> Option<Vec<u8>> {
        key.verify_parsed(jws::parse(token)?, kind)
    }

    #[test]
    fn a_generated_key_of_each_algorithm_can_be_read_back_and_keeps_its_name() {
        for algorithm in Algorithm::ALL {
            let pem = generate_key(algorithm).unwrap();
            let first = SigningKey::from_pem(algorithm, &pem).unwrap();
            let second = SigningKey::from_pem(algorithm, &first.to_pem().unwrap()).unwrap();
            assert_eq!(first.key_id(), second.key_id());
            assert!(pem.expose().lines().all(|line| line.len() <= 64), "RFC 7468 line length");
        }
    }

    #[test]
    fn a_key_that_is_no_pem_is_named_as_the_problem_without_being_shown() {
        let error = SigningKey::from_pem(Algorithm::ES256, &Secret::new("hunter2")).err().unwrap().to_string();
        assert!(error.contains("PRIVATE KEY") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_key_of_another_algorithm_is_refused() {
        let pem = generate_key(Algorithm::EdDsa).unwrap();
        for algorithm in [Algorithm::ES256, Algorithm::RS256, Algorithm::PS256] {
            assert!(SigningKey::from_pem(algorithm, &pem).is_err(), "{algorithm:?}");
        }
    }

    #[test]
    fn a_key_of_each_algorithm_verifies_what_it_signed_and_nothing_of_another_key_or_type() {
        for algorithm in Algorithm::ALL {
            let (key, other) = (SigningKey::generate(algorithm).unwrap(), SigningKey::generate(algorithm).unwrap());
            let token = key.sign(TokenType::Access, &json!({"sub": "alice"})).unwrap();
            assert_eq!(verify(&key, &token, TokenType::Access).unwrap(), br#"{"sub":"alice"}"#);
            assert!(verify(&key, &token, TokenType::Id).is_none());
            assert!(verify(&other, &token, TokenType::Access).is_none());
        }
    }

    #[test]
    fn the_thumbprint_follows_rfc_7638() {
        // The RSA vector of RFC 7638 §3.1.
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi\
            FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d\
            0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-cs\
            FCur-kEgU8awapJzKnqDKgw";
        let members = [("e", "AQAB".to_owned()), ("kty", "RSA".to_owned()), ("n", n.to_owned())];
        assert_eq!(thumbprint(&members), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }
}
