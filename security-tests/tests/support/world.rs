//! Provider and directory, and the server that holds everything. Tokens are ES256 JWTs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{delete, get, patch, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use security_tests::target::Persona;
use serde_json::{Value, json};

use super::{personas, shop};

pub(crate) struct World {
    pub(crate) url: String,
    state: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

pub(crate) struct Shared {
    pub(crate) oddities: BTreeSet<String>,
    pub(crate) key: EcdsaKeyPair,
    pub(crate) other: EcdsaKeyPair,
    pub(crate) inner: Mutex<Inner>,
    pub(crate) change: tokio::sync::Notify,
    pub(crate) url: String,
}

#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) users: BTreeMap<String, (Persona, bool)>,
    pub(crate) revoked: BTreeSet<String>,
    pub(crate) issued: BTreeMap<String, String>,
    pub(crate) seen: BTreeSet<String>,
    pub(crate) orders: BTreeMap<String, Value>,
    pub(crate) next: u64,
}

impl Shared {
    pub(crate) fn is(&self, oddity: &str) -> bool {
        self.oddities.contains(oddity)
    }
}

impl World {
    pub(crate) async fn start(oddities: &[&str]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let key = || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let users = personas().into_iter().map(|(name, persona)| (name, (persona, true))).collect();
        let state = Arc::new(Shared {
            oddities: oddities.iter().map(ToString::to_string).collect(),
            key: key(),
            other: key(),
            inner: Mutex::new(Inner { users, ..Inner::default() }),
            change: tokio::sync::Notify::new(),
            url: url.clone(),
        });
        let app = shop::routes().merge(provider()).with_state(Arc::clone(&state));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, state, server }
    }

    /// Who is not as at the start.
    pub(crate) fn changed_personas(&self) -> Vec<String> {
        let inner = self.state.inner.lock().unwrap();
        let start = personas();
        let same = |name: &String, user: &(Persona, bool)| user.1 && start.get(name) == Some(&user.0);
        inner.users.iter().filter(|(name, user)| !same(name, user)).map(|(name, _)| name.clone()).collect()
    }

    /// Ends when somebody in the directory was changed.
    pub(crate) async fn changed(&self) {
        self.state.change.notified().await;
    }

    pub(crate) fn deactivate(&self, name: &str) {
        self.state.inner.lock().unwrap().users.get_mut(name).unwrap().1 = false;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn provider() -> Router<Arc<Shared>> {
    Router::new()
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/jwks", get(|State(state): State<Arc<Shared>>| async move { Json(json!({"keys": [jwk(&state.key)]})) }))
        .route("/control/v1/tokens", post(mint))
        .route("/control/v1/sessions/{persona}", delete(end_sessions))
        .route("/scim/v2/Users/{id}", patch(patch_user))
}

pub(crate) fn jwk(key: &EcdsaKeyPair) -> Value {
    let point = key.public_key().as_ref();
    json!({"kty": "EC", "crv": "P-256", "kid": "k1", "alg": "ES256", "x": B64.encode(&point[1..33]), "y": B64.encode(&point[33..])})
}

async fn metadata(State(state): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({"issuer": state.url, "jwks_uri": format!("{}/jwks", state.url)}))
}

async fn mint(
    State(state): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    assert_eq!(headers["authorization"], "Bearer control");
    // As the real provider: what it does not know it refuses.
    if body.get("payload").is_some() {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_request"})));
    }
    let name = body["persona"].as_str().unwrap();
    let mut inner = state.inner.lock().unwrap();
    let (persona, _) = inner.users.get(name).unwrap().clone();
    inner.next += 1;
    let jti = format!("t{}", inner.next);
    let lifetime = body["lifetime_seconds"].as_i64().unwrap_or(300);
    let mut claims = json!({"iss": state.url, "sub": name, "aud": body["audience"], "exp": now() + lifetime, "jti": jti,
        "tenant": persona.tenant, "roles": persona.roles});
    let mut header = json!({"alg": "ES256", "typ": "at+jwt", "kid": "k1"});
    for (over, usual) in [("claims", &mut claims), ("header", &mut header)] {
        for (member, value) in body[over].as_object().into_iter().flatten() {
            usual[member] = value.clone();
        }
        usual.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    }
    inner.issued.insert(jti.clone(), name.to_owned());
    let message = format!("{}.{}", B64.encode(header.to_string()), B64.encode(claims.to_string()));
    let key = if body["signature"] == "other_key" { &state.other } else { &state.key };
    let signature = key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    let token = format!("{message}.{}", B64.encode(signature));
    (
        StatusCode::CREATED,
        Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": lifetime, "jti": jti})),
    )
}

async fn end_sessions(State(state): State<Arc<Shared>>, Path(persona): Path<String>) -> StatusCode {
    let mut inner = state.inner.lock().unwrap();
    let ended: Vec<String> =
        inner.issued.iter().filter(|(_, who)| **who == persona).map(|(jti, _)| jti.clone()).collect();
    inner.revoked.extend(ended);
    StatusCode::NO_CONTENT
}

async fn patch_user(
    State(state): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: String,
) -> StatusCode {
    assert_eq!(headers["authorization"], "Bearer directory");
    if state.is("frozen-directory") {
        return StatusCode::FORBIDDEN;
    }
    state.change.notify_one();
    let body: Value = serde_json::from_str(&body).unwrap();
    let mut inner = state.inner.lock().unwrap();
    let (persona, active) = inner.users.get_mut(&id).unwrap();
    for operation in body["Operations"].as_array().unwrap() {
        match (operation["path"].as_str().unwrap(), operation["op"].as_str().unwrap()) {
            ("active", "replace") => *active = operation["value"].as_bool().unwrap(),
            (path, "replace") if path.ends_with(":User:tenant") => {
                persona.tenant = operation["value"].as_str().map(str::to_owned);
            }
            ("roles", "remove") => persona.roles.clear(),
            ("roles", "replace") => {
                let values = operation["value"].as_array().unwrap();
                persona.roles = values.iter().map(|value| value["value"].as_str().unwrap().to_owned()).collect();
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    StatusCode::OK
}

pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}
