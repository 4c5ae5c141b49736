//! Tokens of a run: minted through the provider's control API, kept until they expire, forged on demand. Does I/O and
//! must not know what the tokens are for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tokio::sync::{Mutex, OnceCell};

use super::tamper::{Damage, Make, Materials, Signer, by_name, forge};
use super::{Forgery, Mint};
use crate::exchange::NoAnswer;
use crate::target::Provider;

/// A token is renewed this long before it expires, so that no request carries one that ends on its way.
const MARGIN: Duration = Duration::from_secs(10);

/// The tokens of a run.
pub(crate) struct Wallet {
    client: reqwest::Client,
    provider: Provider,
    tokens: Mutex<BTreeMap<String, (String, Instant)>>,
    forging: OnceCell<Result<Forging, String>>,
}

/// What forgeries are made of, fetched when the first is needed.
pub(crate) struct Forging {
    published: Vec<String>,
    attacker: AttackerKey,
}

#[derive(Deserialize)]
struct Minted {
    access_token: String,
    #[serde(default)]
    expires_in: i64,
}

#[derive(Deserialize)]
struct Metadata {
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Box<RawValue>>,
}

impl Wallet {
    pub(crate) fn new(client: reqwest::Client, provider: Provider) -> Self {
        Self { client, provider, tokens: Mutex::default(), forging: OnceCell::new() }
    }

    /// The persona's token; minted once and again when it is about to expire.
    pub(crate) async fn token(&self, persona: &str) -> Result<String, NoAnswer> {
        let mut tokens = self.tokens.lock().await;
        if let Some((token, until)) = tokens.get(persona)
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let minted = self.request(persona, &Mint::default()).await?;
        let lifetime = Duration::from_secs(u64::try_from(minted.expires_in).unwrap_or(0));
        let until = Instant::now() + lifetime.saturating_sub(MARGIN);
        tokens.insert(persona.to_owned(), (minted.access_token.clone(), until));
        Ok(minted.access_token)
    }

    /// A token of its own.
    pub(crate) async fn mint(&self, persona: &str, mint: &Mint) -> Result<String, NoAnswer> {
        Ok(self.request(persona, mint).await?.access_token)
    }

    /// The persona's token, forged.
    pub(crate) async fn forged(&self, persona: &str, name: &str) -> Result<String, NoAnswer> {
        let forgery = Forging::by_name(name)?;
        let token = self.token(persona).await?;
        if token.split('.').count() != 3 {
            return Err(NoAnswer::NotApplicable("tokens are opaque".to_owned()));
        }
        if let Some(mint) = forgery.mint() {
            return self.mint(persona, &mint).await;
        }
        let needs_other = forgery.make == Make::Signature(Damage::OfAnother);
        let other = if needs_other { self.mint(persona, &Mint::default()).await? } else { String::new() };
        let forging = self.forging.get_or_init(|| self.forging()).await;
        forging.as_ref().map_err(|reason| NoAnswer::NotSent(reason.clone()))?.forge(forgery, &token, &other)
    }

    /// Ends every session of a persona; its tokens are revoked.
    pub(crate) async fn end_sessions(&self, persona: &str) -> Result<u16, String> {
        self.tokens.lock().await.remove(persona);
        let url = self.url(&format!("control/v1/sessions/{persona}"));
        let request = self.client.delete(url).bearer_auth(self.provider.control_token.expose());
        let answer = request.send().await.map_err(|error| plain(&error))?;
        Ok(answer.status().as_u16())
    }

    async fn request(&self, persona: &str, mint: &Mint) -> Result<Minted, NoAnswer> {
        let mut body = json!({"persona": persona});
        if let Some(fields) = body.as_object_mut() {
            fields.extend(self.provider.audience.as_ref().map(|audience| ("audience".to_owned(), json!(audience))));
            fields.extend(mint.lifetime_seconds.map(|seconds| ("lifetime_seconds".to_owned(), json!(seconds))));
            if !mint.claims.is_empty() {
                fields.insert("claims".to_owned(), Value::Object(mint.claims.clone()));
            }
            if mint.other_key {
                fields.insert("signature".to_owned(), json!("other_key"));
            }
        }
        let request = self.client.post(self.url("control/v1/tokens")).bearer_auth(self.provider.control_token.expose());
        let failed = |reason: String| NoAnswer::NotSent(format!("no token for `{persona}`: {reason}"));
        let answer = request.json(&body).send().await.map_err(|error| failed(plain(&error)))?;
        if !answer.status().is_success() {
            return Err(failed(format!("the provider answered {}", answer.status().as_u16())));
        }
        answer.json().await.map_err(|error| failed(plain(&error)))
    }

    async fn forging(&self) -> Result<Forging, String> {
        let metadata: Metadata = self.get(&self.url(".well-known/openid-configuration")).await?;
        let jwks: Jwks = self.get(&metadata.jwks_uri).await?;
        let published = jwks.keys.iter().map(|key| key.get().to_owned()).collect();
        Ok(Forging { published, attacker: AttackerKey::generate()? })
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, String> {
        let answer = self.client.get(url).send().await.map_err(|error| plain(&error))?;
        answer.json().await.map_err(|error| plain(&error))
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.provider.issuer.trim_end_matches('/'))
    }
}

impl Forging {
    /// Where no key is published.
    pub(crate) fn without_keys() -> Result<Self, String> {
        Ok(Self { published: Vec::new(), attacker: AttackerKey::generate()? })
    }

    /// One entry of the catalogue.
    pub(crate) fn by_name(name: &str) -> Result<&'static Forgery, NoAnswer> {
        by_name(name).ok_or_else(|| NoAnswer::NotSent(format!("there is no forgery `{name}`")))
    }

    /// Makes a forgery from a valid token and another one.
    pub(crate) fn forge(&self, forgery: &Forgery, token: &str, other: &str) -> Result<String, NoAnswer> {
        let materials = Materials { token, other, published: &self.published, attacker: &self.attacker };
        forge(forgery, &materials).map_err(NoAnswer::NotApplicable)
    }
}

/// An error in words, with its cause, without the URL of the request: that may hold a secret.
pub(crate) fn plain(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// The attacker's key, new in each run.
struct AttackerKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl AttackerKey {
    fn generate() -> Result<Self, String> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| "cannot make a key")?;
        Ok(Self { pair, random: SystemRandom::new() })
    }
}

impl Signer for AttackerKey {
    fn jwk(&self) -> Value {
        // Uncompressed point (SEC 1 §2.3.3): 4, then 32 bytes of x, then 32 of y.
        let point = self.pair.public_key().as_ref();
        let half = |from: usize| URL_SAFE_NO_PAD.encode(point.get(from..from + 32).unwrap_or_default());
        json!({"kty": "EC", "crv": "P-256", "x": half(1), "y": half(33)})
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(&self.random, message).map(|signature| signature.as_ref().to_vec()).unwrap_or_default()
    }
}
