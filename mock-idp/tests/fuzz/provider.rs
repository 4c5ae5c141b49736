//! A provider to be fuzzed, without a socket, and what is good there.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, header};
use mock_idp::{Config, Provider, app};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::signer::Signer;

const CONFIG: &str = r#"
issuer: http://localhost:9400
control_token: control-token-of-the-test
personas: { alice: { tenant: acme, roles: [customer], attributes: { email: a@acme.example } } }
clients:
  web:
    redirect_uris: ["http://localhost:8080/callback"]
    post_logout_redirect_uris: ["http://localhost:8080/callback"]
    grants: [authorization_code, refresh_token]
    scopes: [read]
  backend:
    secret: backend-secret
    grants: [client_credentials, refresh_token, token_exchange, jwt_bearer, ciba]
    scopes: [read]
    token_exchange: { subject_audiences: ["http://localhost:9400"], audiences: [stock-api], impersonation: true }
  signing:
    auth_method: private_key_jwt
    jwks: KEYS
    redirect_uris: ["http://localhost:8080/callback"]
    grants: [authorization_code, client_credentials]
    scopes: [read]
  television: { grants: [device_code], scopes: [read] }
trusted_issuers: { "https://partner.example": { jwks: KEYS } }
registration: { open: true, lifetime_seconds: 1, scopes: [read] }
resources: { "https://orders.example": { scopes: [read] } }
acr_values: [pwd, mfa]
authorization_details_types: [payment]
claims: { email: [on_request] }
legacy_flows: [implicit, hybrid, password]
"#;

/// The provider, and what is good there.
pub(crate) struct Target {
    pub(crate) app: Router,
    pub(crate) signer: Signer,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    location: String,
    body: Bytes,
}

impl Target {
    /// A provider of JWTs or of opaque tokens.
    pub(crate) async fn new(format: &str) -> Self {
        let signer = Signer::new();
        let config = CONFIG.replace("KEYS", &signer.jwks().to_string());
        // Good as long as the run lasts.
        let config = format!("{config}access_token: {{ format: {format}, lifetime_seconds: 86400 }}\n");
        let app = app(Provider::new(Config::parse(&config).unwrap()).unwrap());
        let mut target = Self { app, signer, access_token: String::new(), refresh_token: String::new() };
        let mint = async |order: Value| {
            let answer = target.control("/control/v1/tokens", &order).await.json();
            answer["access_token"].as_str().unwrap().to_owned()
        };
        let access =
            mint(json!({"persona": "alice", "client_id": "web", "scope": "openid", "lifetime_seconds": 80_000})).await;
        let refresh = mint(json!({"persona": "alice", "client_id": "web", "broken": "refresh-token"})).await;
        (target.access_token, target.refresh_token) = (access, refresh);
        target
    }

    /// Sends a request; an answer of 500 or more stops the run.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let shown = format!("{} {} {:?}", request.method(), request.uri(), request.headers());
        let response = self.app.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        assert!((200..500).contains(&status), "{status} to {shown}");
        let location = response.headers().get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned());
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        Answer { status, location: location.unwrap_or_default(), body }
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send(Request::get(target).body(Body::empty()).unwrap()).await
    }

    /// Posts a form of raw bytes, as `backend` where the sender must be somebody.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &[u8])], as_backend: As) -> Answer {
        let pair = |(name, value): &(&str, &[u8])| {
            format!("{name}={}", url::form_urlencoded::byte_serialize(value).collect::<String>())
        };
        let form = form.iter().map(pair).collect::<Vec<_>>().join("&");
        let mut request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        if as_backend == As::Backend {
            request = request.header("authorization", "Basic YmFja2VuZDpiYWNrZW5kLXNlY3JldA==");
        }
        self.send(request.body(Body::from(form)).unwrap()).await
    }

    pub(crate) async fn json(&self, path: &str, body: &Value) -> Answer {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub(crate) async fn control(&self, path: &str, body: &Value) -> Answer {
        let request = Request::post(path)
            .header("host", "localhost:9400")
            .header("authorization", "Bearer control-token-of-the-test")
            .header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }
}

/// Who posts a form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum As {
    Nobody,
    Backend,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Where the browser is sent to, if anywhere.
    pub(crate) fn location(&self) -> &str {
        &self.location
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
