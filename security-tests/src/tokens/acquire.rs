//! Tokens of a run: minted through the provider's control API, kept until they expire, forged on demand. Does I/O and
//! must not know what the tokens are for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};
use tokio::sync::Mutex;

use super::Mint;
use super::forge::Proof;
use super::forger::{Forged, Forger, Source};
use crate::access::StepUp;
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
    /// How personas authenticated: as the most demanding operation asks for.
    strength: StepUp,
}

#[derive(Deserialize)]
struct Minted {
    access_token: String,
    #[serde(default)]
    expires_in: i64,
}

/// An access token, and perhaps the next refresh token.
pub(crate) type Refreshed = (String, Option<String>);

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
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
    pub(crate) fn new(client: reqwest::Client, provider: Provider, (forger, strength): (Forger, StepUp)) -> Self {
        Self { client, provider, tokens: Mutex::default(), forger, strength }
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
        let fresh = self.strength.max_age.map_or(lifetime, |seconds| lifetime.min(Duration::from_secs(seconds)));
        let until = Instant::now() + fresh.saturating_sub(MARGIN);
        tokens.insert(persona.to_owned(), (minted.access_token.clone(), until));
        Ok(minted.access_token)
    }

    /// A token of its own.
    pub(crate) async fn mint(&self, persona: &str, mint: &Mint) -> Result<String, NoAnswer> {
        Ok(self.request(persona, mint).await?.access_token)
    }

    /// A token of its own of a sign-in some time ago.
    pub(crate) async fn mint_aged(&self, persona: &str, seconds: u64) -> Result<String, NoAnswer> {
        let issued = now().saturating_sub(seconds);
        self.mint(persona, &Mint::claim("iat", json!(issued))).await
    }

    /// A token that says nothing about how its user authenticated, unless the order does.
    pub(crate) async fn mint_plainly(&self, persona: &str, mint: &Mint) -> Result<String, NoAnswer> {
        Ok(self.order(persona, mint, Map::new()).await?.access_token)
    }

    /// A refresh token that is good for a client.
    pub(crate) async fn refresh_token(&self, persona: &str, client: &str) -> Result<String, NoAnswer> {
        let body = json!({"persona": persona, "client_id": client, "broken": "refresh-token"});
        Ok(self.minted(persona, &Mint::default(), &body).await?.access_token)
    }

    /// Uses a refresh token (RFC 6749 §6): the status and, when it was good, an access token and the next refresh token.
    pub(crate) async fn refresh(&self, client: &str, token: &str) -> Result<(u16, Option<Refreshed>), NoAnswer> {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", client)];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.client.post(self.url("token")).header("content-type", "application/x-www-form-urlencoded");
        let failed = |error: reqwest::Error| NoAnswer::NotSent(format!("the provider: {}", plain(&error)));
        let answer = request.body(body).send().await.map_err(failed)?;
        let status = answer.status().as_u16();
        if !answer.status().is_success() {
            return Ok((status, None));
        }
        let granted: Granted = answer.json().await.map_err(failed)?;
        Ok((status, Some((granted.access_token, granted.refresh_token))))
    }

    /// Forgets every token: they are good no more.
    pub(crate) async fn forget(&self) {
        self.tokens.lock().await.clear();
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
        let mut claims = Map::new();
        if mint.payload.is_none() {
            claims.extend(self.strength.acr.as_ref().map(|acr| ("acr".to_owned(), json!(acr))));
            claims.extend(self.strength.max_age.map(|_| ("auth_time".to_owned(), json!(now()))));
        }
        self.order(persona, mint, claims).await
    }

    async fn order(&self, persona: &str, mint: &Mint, mut claims: Map<String, Value>) -> Result<Minted, NoAnswer> {
        claims.extend(mint.claims.clone());
        let mut body = json!({"persona": persona});
        if let Some(fields) = body.as_object_mut() {
            fields.extend(self.provider.audience.as_ref().map(|audience| ("audience".to_owned(), json!(audience))));
            fields.extend(mint.lifetime_seconds.map(|seconds| ("lifetime_seconds".to_owned(), json!(seconds))));
            if !claims.is_empty() {
                fields.insert("claims".to_owned(), Value::Object(claims));
            }
            if !mint.header.is_empty() {
                fields.insert("header".to_owned(), Value::Object(mint.header.clone()));
            }
            fields.extend(mint.payload.as_ref().map(|payload| ("payload".to_owned(), json!(payload))));
            if mint.other_key {
                fields.insert("signature".to_owned(), json!("other_key"));
            }
        }
        self.minted(persona, mint, &body).await
    }

    async fn minted(&self, persona: &str, mint: &Mint, body: &Value) -> Result<Minted, NoAnswer> {
        let request = self.client.post(self.url("control/v1/tokens")).bearer_auth(self.provider.control_token.expose());
        let failed = |reason: String| NoAnswer::NotSent(format!("no token for `{persona}`: {reason}"));
        let answer = request.json(body).send().await.map_err(|error| failed(plain(&error)))?;
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

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
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
