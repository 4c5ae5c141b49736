//! Somebody with a private key: a client, a partner, an attacker.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// What the clock of the tests says at the start.
pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) struct Signer(EcdsaKeyPair);

static CLIENT: LazyLock<Arc<Signer>> = LazyLock::new(|| Arc::new(Signer::new()));
static PARTNER: LazyLock<Arc<Signer>> = LazyLock::new(|| Arc::new(Signer::new()));

impl Signer {
    pub(crate) fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    /// The one whose key the clients `signing` and `signed` have registered.
    pub(crate) fn client() -> Arc<Self> {
        Arc::clone(&CLIENT)
    }

    /// The trusted issuer of assertions.
    pub(crate) fn partner() -> Arc<Self> {
        Arc::clone(&PARTNER)
    }

    pub(crate) fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        json!({"kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..65])})
    }

    pub(crate) fn jwks(&self) -> Value {
        json!({"keys": [self.jwk()]})
    }

    /// RFC 7638.
    pub(crate) fn thumbprint(&self) -> String {
        let jwk = self.jwk();
        let text = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
        sha256(&text)
    }

    pub(crate) fn raw(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }

    /// A client assertion under an HMAC.
    pub(crate) fn hmac(client: &str, secret: &str) -> String {
        let claims =
            json!({"iss": client, "sub": client, "aud": crate::world::ISSUER, "jti": fresh(), "exp": NOW + 60});
        let input = format!("{}.{}", encode(r#"{"alg":"HS256"}"#), encode(claims.to_string()));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
        format!("{input}.{}", encode(aws_lc_rs::hmac::sign(&key, input.as_bytes())))
    }

    /// A compact JWS of these two parts.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let input = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        format!("{input}.{}", encode(self.raw(input.as_bytes())))
    }

    /// A client assertion with these claims over the usual ones; null removes.
    pub(crate) fn assertion(&self, claims: &Value) -> String {
        let usual = json!({
            "iss": "signing", "sub": "signing", "aud": crate::world::ISSUER, "jti": "assertion-1", "iat": NOW, "exp": NOW + 60,
        });
        self.sign(&json!({"alg": "ES256"}), &over(usual, claims))
    }

    /// A DPoP proof for the token endpoint with these claims over the usual ones; null removes.
    pub(crate) fn proof(&self, claims: &Value) -> String {
        self.proof_with_header(&json!({}), claims)
    }

    pub(crate) fn proof_with_header(&self, header: &Value, claims: &Value) -> String {
        let usual = json!({
            "htm": "POST", "htu": "http://localhost:9400/token", "jti": fresh(), "iat": NOW,
        });
        let usual_header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk()});
        self.sign(&over(usual_header, header), &over(usual, claims))
    }
}

/// Members over usual ones; null removes.
pub(crate) fn over(mut usual: Value, changes: &Value) -> Value {
    let members = usual.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    usual
}

/// A name that no other test has.
pub(crate) fn fresh() -> String {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    encode(bytes)
}

pub(crate) fn sha256(text: &str) -> String {
    encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()))
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
