//! Tokens of a run: minted through the provider's control API, kept until they expire, forged on demand. Does I/O and
//! must not know what the tokens are for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tokio::sync::Mutex;

use super::Mint;
use super::forge::Proof;
use super::forger::{Forged, Forger, Source};
use crate::exchange::NoAnswer;
use crate::target::Provider;

/// A token is renewed this long before it expires, so that no request carries one that ends on its way.
const MARGIN: Duration = Duration::from_secs(10);

/// The tokens of a run.
pub(crate) struct Wallet {
    client: reqwest::Client,
    provider: Provider,
    tokens: Mutex<BTreeMap<String, (String, Instant)>>,
    forger: Forger,
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
    pub(crate) fn new(client: reqwest::Client, provider: Provider, forger: Forger) -> Self {
        Self { client, provider, tokens: Mutex::default(), forger }
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
    pub(crate) async fn forged(&self, persona: &str, name: &str) -> Result<Forged, NoAnswer> {
        self.forger.forged(self, persona, name).await
    }

    /// A proof for a request: its method, its URL and its token.
    pub(crate) async fn proof(&self, request: (&str, &str, &str), proof: Proof) -> Result<String, NoAnswer> {
        self.forger.proof(self, request, proof).await
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
            if !mint.header.is_empty() {
                fields.insert("header".to_owned(), Value::Object(mint.header.clone()));
            }
            fields.extend(mint.payload.as_ref().map(|payload| ("payload".to_owned(), json!(payload))));
            if mint.other_key {
                fields.insert("signature".to_owned(), json!("other_key"));
            }
        }
        let request = self.client.post(self.url("control/v1/tokens")).bearer_auth(self.provider.control_token.expose());
        let failed = |reason: String| NoAnswer::NotSent(format!("no token for `{persona}`: {reason}"));
        let answer = request.json(&body).send().await.map_err(|error| failed(plain(&error)))?;
        // RFC 9110 §15.5.1: the provider understood, and does not make such a token.
        if answer.status() == 400 && *mint != Mint::default() {
            return Err(NoAnswer::NotApplicable(format!("the provider does not mint {}", mint.name)));
        }
        if !answer.status().is_success() {
            return Err(failed(format!("the provider answered {}", answer.status().as_u16())));
        }
        answer.json().await.map_err(|error| failed(plain(&error)))
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, String> {
        let answer = self.client.get(url).send().await.map_err(|error| plain(&error))?;
        answer.json().await.map_err(|error| plain(&error))
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.provider.issuer.trim_end_matches('/'))
    }
}

impl Source for Wallet {
    async fn token(&self, persona: &str) -> Result<String, NoAnswer> {
        self.token(persona).await
    }

    async fn mint(&self, persona: &str, mint: &Mint) -> Result<String, NoAnswer> {
        self.mint(persona, mint).await
    }

    async fn published(&self) -> Result<Vec<String>, String> {
        let metadata: Metadata = self.get(&self.url(".well-known/openid-configuration")).await?;
        let jwks: Jwks = self.get(&metadata.jwks_uri).await?;
        Ok(jwks.keys.iter().map(|key| key.get().to_owned()).collect())
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
