//! Published keys of identity providers, fetched and kept for a while. Must not know what they verify.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::JwkSet;
use serde_json::Value;

use super::StsError;
use crate::config::OidcProvider;

/// How long keys are believed without asking again: a removed key is refused after that.
const FRESH: Duration = Duration::from_secs(10);
/// How soon keys are asked for again because a token names one that was not there: nobody can make us hammer a provider.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a provider may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// A longer answer is no set of keys.
const LONGEST: usize = 256 * 1024;

/// Keys by issuer, with the time they were fetched.
#[derive(Default)]
pub(crate) struct KeyCache(Mutex<BTreeMap<String, (Instant, JwkSet)>>);

impl KeyCache {
    /// The keys of a provider; fresher ones, when those in the cache do not satisfy.
    pub(crate) async fn keys(
        &self,
        provider: &OidcProvider,
        satisfies: impl Fn(&JwkSet) -> bool,
    ) -> Result<JwkSet, StsError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&provider.issuer).cloned();
        if let Some((at, keys)) = kept {
            let age = at.elapsed();
            if age < AGAIN || (age < FRESH && satisfies(&keys)) {
                return Ok(keys);
            }
        }
        let keys = fetch(provider).await.map_err(|problem| {
            tracing::warn!(issuer = provider.issuer, problem, "keys of the identity provider cannot be had");
            StsError::ProviderUnreachable
        })?;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(provider.issuer.clone(), (Instant::now(), keys.clone()));
        Ok(keys)
    }
}

/// From the configured URL, or else where the provider's metadata says (OpenID Connect Discovery 1.0 §4).
async fn fetch(provider: &OidcProvider) -> Result<JwkSet, String> {
    let http = crate::http::client(PATIENCE).map_err(|error| error.to_string())?;
    let url = match &provider.jwks_url {
        Some(url) => url.clone(),
        None => {
            let url = format!("{}/.well-known/openid-configuration", provider.issuer.trim_end_matches('/'));
            let metadata: Value = crate::http::json(http.get(url), LONGEST).await?;
            // §4.3: metadata of another issuer must not be used.
            if metadata.get("issuer").and_then(Value::as_str) != Some(provider.issuer.as_str()) {
                return Err("its metadata names another issuer".to_owned());
            }
            let url = metadata.get("jwks_uri").and_then(Value::as_str);
            url.ok_or("its metadata names no keys")?.to_owned()
        }
    };
    crate::http::json(http.get(url), LONGEST).await
}
