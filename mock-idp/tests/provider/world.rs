//! A provider with four clients and three people, and the moves that every test makes.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mock_idp::{Config, Provider, app};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::signer::Signer;
use crate::support::{Answer, TestClock, TestDirectory};

pub(crate) const ISSUER: &str = "http://localhost:9400";
pub(crate) const CALLBACK: &str = "http://localhost:8080/callback";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const CONTROL: &str = "control-token-of-the-test";
/// The API that asks about tokens: `api:api-secret`.
pub(crate) const API: (&str, &str) = ("api", "api-secret");
/// A confidential client with every grant.
pub(crate) const BACKEND: (&str, &str) = ("backend", "backend-secret");

/// Client id and secret for `client_secret_basic`, if the request has any.
pub(crate) type Credentials = Option<(&'static str, &'static str)>;

/// A posted form.
pub(crate) type Fields = &'static [(&'static str, &'static str)];

pub(crate) const CONFIG: &str = r#"
issuer: http://localhost:9400
service_name: idp
control_token: control-token-of-the-test
access_token: { audience: orders-api, lifetime_seconds: 300 }
clients:
  web:
    redirect_uris: ["http://localhost:8080/callback"]
    grants: [authorization_code, refresh_token]
    scopes: ["orders:read", "orders:write"]
  other:
    redirect_uris: ["http://localhost:8081/callback"]
    grants: [authorization_code, refresh_token]
    scopes: ["orders:read"]
  backend:
    secret: backend-secret
    redirect_uris: ["http://localhost:8082/callback"]
    grants: [authorization_code, client_credentials, refresh_token]
    scopes: ["orders:read"]
  api: { secret: api-secret }
"#;

/// More of a configuration: clients with keys, resources, and every protocol that is off otherwise. `KEYS` is the JWK Set
/// of [`crate::signer::Signer::client`], `OTHER` that of another signer.
const EXTENDED: &str = r#"
  signing:
    auth_method: private_key_jwt
    jwks: KEYS
    redirect_uris: ["http://localhost:8083/callback"]
    grants: [authorization_code, client_credentials, refresh_token]
    scopes: ["orders:read"]
  hashing:
    auth_method: client_secret_jwt
    secret: a-secret-of-thirty-two-characters
    grants: [client_credentials]
  pushing:
    redirect_uris: ["http://localhost:8084/callback"]
    grants: [authorization_code]
    require_pushed_authorization_requests: true
    scopes: ["orders:read"]
  signed:
    redirect_uris: ["http://localhost:8085/callback"]
    grants: [authorization_code]
    jwks: KEYS
    auth_method: none
    require_signed_request_object: true
    scopes: ["orders:read"]
  bound:
    redirect_uris: ["http://localhost:8086/callback"]
    grants: [authorization_code, refresh_token]
    dpop_bound_access_tokens: true
    scopes: ["orders:read"]
  television: { grants: [device_code, refresh_token], scopes: ["orders:read"] }
  radio: { grants: [device_code] }
  gateway:
    secret: gateway-secret
    grants: [token_exchange, client_credentials, jwt_bearer]
    scopes: ["orders:read", "stock:read"]
    token_exchange:
      subject_audiences: [orders-api]
      audiences: [stock-api]
      actors: [gateway]
  impersonator:
    secret: impersonator-secret
    grants: [token_exchange]
    scopes: ["orders:read", "stock:read"]
    token_exchange:
      subject_audiences: [stock-api]
      audiences: [stock-api, billing-api]
      impersonation: true
      added_scopes: ["stock:read"]
resources:
  "https://orders.example": { name: Orders, scopes: ["orders:read"] }
  "https://stock.example": { scopes: ["stock:read"], dpop_bound_access_tokens_required: true }
trusted_issuers:
  "https://partner.example": { jwks: OTHER, clients: [gateway] }
registration:
  initial_access_tokens: { team-a: initial-token-of-team-a }
  lifetime_seconds: 600
  scopes: ["orders:read"]
acr_values: [pwd, mfa]
authorization_details_types: [payment]
"#;

pub(crate) struct World {
    app: Router,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) directory: Arc<TestDirectory>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::from_text(CONFIG)
    }

    /// Every protocol, with the keys of the test's signers.
    pub(crate) fn extended() -> Self {
        Self::extended_with("")
    }

    /// The same with more text at the end of the configuration.
    pub(crate) fn extended_with(more: &str) -> Self {
        let extended = EXTENDED
            .replace("KEYS", &Signer::client().jwks().to_string())
            .replace("OTHER", &Signer::partner().jwks().to_string());
        Self::from_text(&format!("{}{extended}{more}", CONFIG.trim_end_matches('\n').to_owned() + "\n"))
    }

    /// Opaque tokens, with more text at the end of the configuration.
    pub(crate) fn opaque_with(more: &str) -> Self {
        Self::from_text(&format!("{}{more}", CONFIG.replace("{ audience", "{ format: opaque, audience")))
    }

    pub(crate) fn opaque() -> Self {
        Self::from_text(&CONFIG.replace("{ audience", "{ format: opaque, audience"))
    }

    pub(crate) fn from_text(config: &str) -> Self {
        let (clock, directory) = (Arc::new(TestClock::new()), Arc::new(TestDirectory::default()));
        directory.put("alice", "acme", &["customer"]);
        directory.put("bob", "acme", &["customer"]);
        directory.put("carol", "acme", &["support"]);
        let config = Config::parse(config).unwrap();
        let provider = Provider::with(config, directory.clone(), clock.clone()).unwrap();
        Self { app: app(provider), clock, directory }
    }

    pub(crate) fn without_control() -> Self {
        Self::from_text(&CONFIG.replace("control_token: control-token-of-the-test", ""))
    }

    pub(crate) fn app(&self) -> Router {
        self.app.clone()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer { status: parts.status, headers: parts.headers, body: to_bytes(body, usize::MAX).await.unwrap() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).header("host", "localhost:9400").body(Body::empty()).unwrap()).await
    }

    /// Posts a form, authenticated by `client_secret_basic` if there is somebody.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)], basic: Option<(&str, &str)>) -> Answer {
        let mut request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        if let Some((id, secret)) = basic {
            request = request.header("authorization", format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))));
        }
        self.send(request.body(Body::from(encode(form))).unwrap()).await
    }

    /// Posts a form with a DPoP proof.
    pub(crate) async fn post_with_proof(&self, path: &str, form: &[(&str, &str)], proof: &str) -> Answer {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("dpop", proof)
            .body(Body::from(encode(form)));
        self.send(request.unwrap()).await
    }

    /// An authorization request of `web` with some parameters changed; an empty value removes one.
    pub(crate) async fn authorize(&self, changes: &[(&str, &str)]) -> Answer {
        self.get(&authorization_path(changes)).await
    }

    /// A code for alice and the client `web`.
    pub(crate) async fn code(&self) -> String {
        let answer = self.authorize(&[]).await;
        answer.sent("code").unwrap_or_else(|| panic!("no code in {answer:?}"))
    }

    /// Redeems a code as `web` with some parameters changed; an empty value removes one.
    pub(crate) async fn redeem(&self, code: &str, changes: &[(&str, &str)]) -> Answer {
        let usual = [
            ("grant_type", "authorization_code"),
            ("client_id", "web"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.post("/token", &changed(&usual, changes), None).await
    }

    /// The tokens of alice for `web`.
    pub(crate) async fn tokens(&self) -> Answer {
        self.redeem(&self.code().await, &[]).await
    }

    pub(crate) async fn refresh(&self, token: &str, changes: &[(&str, &str)]) -> Answer {
        let usual = [("grant_type", "refresh_token"), ("client_id", "web"), ("refresh_token", token)];
        self.post("/token", &changed(&usual, changes), None).await
    }

    pub(crate) async fn introspect(&self, token: &str) -> Value {
        self.post("/introspect", &[("token", token)], Some(API)).await.json()
    }

    pub(crate) async fn is_active(&self, token: &str) -> bool {
        self.introspect(token).await["active"].as_bool().unwrap()
    }

    pub(crate) async fn userinfo(&self, token: &str) -> Answer {
        let request = Request::get("/userinfo").header("authorization", format!("Bearer {token}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// A call of the control API as its owner makes it.
    pub(crate) async fn control(&self, method: &str, path: &str, body: Value) -> Answer {
        self.send(control_request(method, path, &body)).await
    }

    /// Mints a token for alice with these members in the order.
    pub(crate) async fn mint(&self, order: Value) -> String {
        let mut whole = json!({"persona": "alice"});
        whole.as_object_mut().unwrap().extend(order.as_object().unwrap().clone());
        let answer = self.control("POST", "/control/v1/tokens", whole).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.string("access_token")
    }
}

pub(crate) fn control_request(method: &str, path: &str, body: &Value) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost:9400")
        .header("authorization", format!("Bearer {CONTROL}"))
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap()
}

pub(crate) fn authorization_path(changes: &[(&str, &str)]) -> String {
    let usual = [
        ("client_id", "web"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid orders:read"),
        ("state", "the-state"),
        ("nonce", "the-nonce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("prompt", "none"),
        ("login_hint", "alice"),
    ];
    format!("/authorize?{}", encode(&changed(&usual, changes)))
}

pub(crate) fn changed<'a>(usual: &[(&'a str, &'a str)], changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = usual.iter().filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
    kept.chain(changes.iter().filter(|(_, value)| !value.is_empty())).copied().collect()
}

pub(crate) fn encode(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

/// A part of a JWT as JSON: 0 is the header, 1 the claims.
pub(crate) fn part(token: &str, index: usize) -> Value {
    let text = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}
