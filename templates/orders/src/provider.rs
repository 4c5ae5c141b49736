//! Asks the OAuth provider whether a token is good (RFC 7662), on every request: a token that was revoked a moment ago is
//! not good any more. Must not know what the caller wants to do.

use serde::Deserialize;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::config::ProviderConfig;
use crate::problem::Unavailable;
use crate::secret::Secret;

const SERVICE: &str = "the provider";

/// Who calls: whom the provider vouches for, with tenant and roles as the directory has them now.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// `sub` of the token.
    pub subject: String,
    /// The tenant, if any.
    pub tenant: Option<String>,
    /// The roles; for display only, since the IAM decides.
    pub roles: Vec<String>,
    /// How strongly the user authenticated, if the token says so (`acr`).
    pub acr: Option<String>,
    /// When the user authenticated, in seconds since 1970, if the token says so (`auth_time`).
    pub authenticated: Option<i64>,
    /// When the token was issued, in seconds since 1970; long ago when it does not say.
    pub issued: i64,
    /// Roles that the caller says to have. Only the deliberate flaws look at that.
    pub claimed: Vec<String>,
    /// The token itself. Only the deliberate flaws look at it again.
    pub token: Secret,
    /// When the token ends, in seconds since 1970. Only the deliberate flaws look at it again.
    pub expires: i64,
}

/// The provider, as a resource server sees it.
#[derive(Debug)]
pub struct Provider {
    http: reqwest::Client,
    config: ProviderConfig,
    metadata: OnceCell<Metadata>,
}

/// What we need of the provider's metadata (OpenID Connect Discovery §3, RFC 8414 §2).
#[derive(Debug, Deserialize)]
struct Metadata {
    issuer: String,
    introspection_endpoint: String,
    jwks_uri: String,
}

/// RFC 7662 §2.2; `tenant` and `roles` are the provider's own.
#[derive(Debug, Deserialize)]
struct Introspection {
    active: bool,
    sub: Option<String>,
    iss: Option<String>,
    aud: Option<Value>,
    exp: Option<i64>,
    iat: Option<i64>,
    acr: Option<String>,
    auth_time: Option<i64>,
    tenant: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
}

impl Provider {
    /// A provider that has not been asked anything yet.
    #[must_use]
    pub fn new(http: reqwest::Client, config: ProviderConfig) -> Self {
        Self { http, config, metadata: OnceCell::new() }
    }

    /// Who presents this token, or nobody when the token is not good for this API.
    ///
    /// # Errors
    /// When the provider does not answer: then nobody knows, and the request must not be served.
    pub async fn introspect(&self, token: &Secret) -> Result<Option<Caller>, Unavailable> {
        let endpoint = &self.metadata().await?.introspection_endpoint;
        let request = self
            .http
            .post(endpoint)
            // RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
            .basic_auth(form_encoded(&self.config.client_id), Some(form_encoded(self.config.client_secret.expose())))
            .form(&[("token", token.expose()), ("token_type_hint", "access_token")]);
        let answer: Introspection = answer(request).await?;
        Ok(accept(answer, &self.config, token))
    }

    /// The published keys (RFC 7517), unparsed. For logout tokens: introspection needs none.
    ///
    /// # Errors
    /// When the provider does not answer.
    pub async fn published_keys(&self) -> Result<Value, Unavailable> {
        let uri = &self.metadata().await?.jwks_uri;
        answer(self.http.get(uri)).await
    }

    /// The provider and who we are to it.
    #[must_use]
    pub fn config(&self) -> &ProviderConfig {
        &self.config
    }

    /// Read when first needed, so that it does not matter who starts first.
    async fn metadata(&self) -> Result<&Metadata, Unavailable> {
        self.metadata
            .get_or_try_init(|| async {
                let issuer = &self.config.issuer;
                let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
                let metadata: Metadata = answer(self.http.get(url)).await?;
                if metadata.issuer != *issuer {
                    return Err(Unavailable::OtherIssuer { expected: issuer.clone(), found: metadata.issuer });
                }
                Ok(metadata)
            })
            .await
    }
}

async fn answer<T: serde::de::DeserializeOwned>(request: reqwest::RequestBuilder) -> Result<T, Unavailable> {
    let unreachable = |source| Unavailable::Unreachable { service: SERVICE, source };
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    if status != reqwest::StatusCode::OK {
        return Err(Unavailable::Status { service: SERVICE, status });
    }
    response.json().await.map_err(unreachable)
}

/// Active is not enough: a token for another API, or of another issuer, is no token for this one (RFC 9068 §4).
fn accept(answer: Introspection, config: &ProviderConfig, token: &Secret) -> Option<Caller> {
    let for_us = match &answer.aud {
        Some(Value::String(audience)) => *audience == config.audience,
        Some(Value::Array(audiences)) => audiences.iter().any(|audience| *audience == config.audience.as_str()),
        _ => false,
    };
    let from_there = answer.iss.is_none_or(|issuer| issuer == config.issuer);
    let subject = answer.sub.filter(|_| answer.active && for_us && from_there)?;
    Some(Caller {
        subject,
        tenant: answer.tenant,
        roles: answer.roles,
        acr: answer.acr,
        authenticated: answer.auth_time,
        issued: answer.iat.unwrap_or_default(),
        claimed: Vec::new(),
        expires: answer.exp.unwrap_or_default(),
        token: token.clone(),
    })
}

fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn accepted(answer: Value) -> Option<String> {
        let (issuer, client_id) = ("http://idp".to_owned(), "orders-api".to_owned());
        let config = ProviderConfig { issuer, audience: client_id.clone(), client_id, client_secret: Secret::new("s") };
        accept(serde_json::from_value(answer).unwrap(), &config, &Secret::new("t")).map(|caller| caller.subject)
    }

    #[test]
    fn an_active_token_for_this_api_is_accepted() {
        let alice = Some("alice".to_owned());
        assert_eq!(accepted(json!({"active": true, "sub": "alice", "aud": "orders-api"})), alice);
        assert_eq!(accepted(json!({"active": true, "sub": "alice", "aud": ["a", "orders-api"]})), alice);
        assert_eq!(accepted(json!({"active": true, "sub": "alice", "aud": "orders-api", "iss": "http://idp"})), alice);
    }

    #[test]
    fn an_inactive_token_and_one_for_another_api_or_of_another_issuer_are_not() {
        assert_eq!(accepted(json!({"active": false, "sub": "alice", "aud": "orders-api"})), None);
        assert_eq!(accepted(json!({"active": true, "sub": "alice", "aud": "billing"})), None);
        assert_eq!(accepted(json!({"active": true, "sub": "alice", "aud": ["orders-api.evil"]})), None);
        assert_eq!(accepted(json!({"active": true, "sub": "alice"})), None);
        assert_eq!(accepted(json!({"active": true, "aud": "orders-api"})), None);
        assert_eq!(accepted(json!({"active": true, "sub": "alice", "aud": "orders-api", "iss": "http://x"})), None);
    }
}
