//! A provider and an IAM for tests, both sound, on one loopback port: they obey one directory that tests change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::UnparsedPublicKey;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub(crate) const AUDIENCE: &str = "orders-api";

#[derive(Clone)]
pub(crate) struct User {
    pub(crate) tenant: &'static str,
    pub(crate) roles: Vec<&'static str>,
    pub(crate) active: bool,
}

pub(crate) struct World {
    pub(crate) issuer: String,
    pub(crate) key: EcdsaKeyPair,
    pub(crate) users: BTreeMap<&'static str, User>,
    pub(crate) revoked: BTreeSet<String>,
    pub(crate) provider_answers: bool,
    pub(crate) iam_answers: bool,
    /// Users and actions that an edit of the policies forbids.
    pub(crate) forbidden: BTreeSet<(&'static str, &'static str)>,
    /// Whether the circumstances are those of a public network.
    pub(crate) network_is_public: bool,
    /// Whether the key is published no more.
    pub(crate) key_is_retired: bool,
}

pub(crate) type Shared = Arc<Mutex<World>>;

pub(crate) fn new_key() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
}

pub(crate) fn jwk(key: &EcdsaKeyPair) -> Value {
    let (x, y) = key.public_key().as_ref()[1..].split_at(32);
    json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "1", "x": encode(x), "y": encode(y)})
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// `header.claims`, unsigned.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encode(header.to_string()), encode(claims.to_string()))
}

pub(crate) fn sign(key: &EcdsaKeyPair, header: &Value, claims: &Value) -> String {
    let signed = unsigned(header, claims);
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    format!("{signed}.{}", encode(signature))
}

impl World {
    pub(crate) fn new(issuer: String) -> Self {
        let user = |name, tenant, role| (name, User { tenant, roles: vec![role], active: true });
        let users = BTreeMap::from([
            user("alice", "acme", "customer"),
            user("bob", "acme", "customer"),
            user("carol", "acme", "support"),
            user("root", "acme", "admin"),
            user("mallory", "globex", "customer"),
            user("dave", "globex", "support"),
            user("eve", "globex", "admin"),
        ]);
        Self {
            issuer,
            key: new_key(),
            users,
            revoked: BTreeSet::new(),
            provider_answers: true,
            iam_answers: true,
            forbidden: BTreeSet::new(),
            network_is_public: false,
            key_is_retired: false,
        }
    }

    /// The keys that are published.
    fn keys(&self) -> Value {
        let keys: Vec<Value> = Some(jwk(&self.key)).filter(|_| !self.key_is_retired).into_iter().collect();
        json!({"keys": keys})
    }

    /// A good event of the IAM: this user's sessions were over half a minute ago.
    pub(crate) fn event(&self, user: &str) -> (Value, Value) {
        let now = jiff::Timestamp::now().as_second();
        let kind = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
        let claims = json!({"iss": format!("{}/iam", self.issuer), "aud": AUDIENCE, "iat": now, "jti": format!("event-{user}"),
                            "sub_id": {"format": "iss_sub", "iss": self.issuer, "sub": user},
                            "events": {kind: {"event_timestamp": now - 30}}});
        (json!({"typ": "secevent+jwt", "alg": "ES256", "kid": "1"}), claims)
    }

    /// A good logout token of the provider that says the same.
    pub(crate) fn logout(&self, user: &str) -> (Value, Value) {
        let now = jiff::Timestamp::now().as_second();
        let claims = json!({"iss": self.issuer, "aud": "orders-api", "iat": now - 30, "exp": now + 120, "sub": user,
                            "jti": format!("logout-{user}"),
                            "events": {"http://schemas.openid.net/event/backchannel-logout": {}}});
        (json!({"typ": "logout+jwt", "alg": "ES256", "kid": "1"}), claims)
    }

    /// A token of somebody who signed in two minutes ago.
    pub(crate) fn old_token(&self, persona: &str) -> String {
        let mut claims = self.claims(persona, 300);
        claims["iat"] = json!(claims["iat"].as_i64().unwrap() - 120);
        sign(&self.key, &Self::header(), &claims)
    }

    pub(crate) fn claims(&self, persona: &str, lifetime: i64) -> Value {
        let now = jiff::Timestamp::now().as_second();
        let (tenant, roles) = self.users.get(persona).map(|user| (user.tenant, user.roles.clone())).unwrap_or_default();
        json!({"iss": self.issuer, "sub": persona, "aud": AUDIENCE, "iat": now, "exp": now + lifetime,
               "acr": "mfa", "auth_time": now, "tenant": tenant, "roles": roles})
    }

    pub(crate) fn header() -> Value {
        json!({"alg": "ES256", "typ": "at+jwt", "kid": "1"})
    }

    pub(crate) fn token(&self, persona: &str) -> String {
        sign(&self.key, &Self::header(), &self.claims(persona, 300))
    }

    fn introspect(&self, token: &str) -> Value {
        self.introspect_active(token).unwrap_or_else(|| json!({"active": false}))
    }

    fn introspect_active(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.key.public_key().as_ref());
        public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
        let (header, claims) = signed.split_once('.')?;
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        let user = self.users.get(claims["sub"].as_str()?)?;
        let current = claims["exp"].as_i64()? > jiff::Timestamp::now().as_second() && !self.revoked.contains(token);
        (header["alg"] == "ES256" && current && user.active && !self.key_is_retired).then(|| {
            json!({"active": true, "iss": self.issuer, "sub": claims["sub"], "aud": claims["aud"],
                   "exp": claims["exp"], "iat": claims["iat"], "acr": claims["acr"],
                   "auth_time": claims["auth_time"], "tenant": user.tenant, "roles": user.roles})
        })
    }

    /// The rules of `policies/orders.cedar`, once more.
    fn decide(&self, question: &Value) -> bool {
        let subject = question["subject"]["id"].as_str().unwrap();
        let Some(user) = self.users.get(subject).filter(|user| user.active) else { return false };
        let properties = &question["resource"]["properties"];
        let owner = properties["owner"]["id"] == subject;
        let of_tenant = |role| user.roles.contains(&role) && properties["tenant"]["id"] == user.tenant;
        let role = |role| user.roles.contains(&role);
        let action = question["action"]["name"].as_str().unwrap();
        let archived =
            properties["archived"] == true && ["updateOrder", "refundOrder", "transferOrder"].contains(&action);
        if archived || self.forbidden.iter().any(|forbidden| *forbidden == (subject, action)) {
            return false;
        }
        match action {
            "readMe" | "listOrders" | "createOrder" => true,
            "readOrder" => owner || of_tenant("support") || of_tenant("admin"),
            "updateOrder" | "archiveOrder" | "transferOrder" => owner || of_tenant("admin"),
            "deleteOrder" => of_tenant("admin"),
            "readMargin" | "refundOrder" => of_tenant("support") || of_tenant("admin"),
            "listTenantOrders" => role("support") || role("admin"),
            "receiveOrder" => properties["tenant"]["id"] == user.tenant,
            "exportOrders" => role("admin") && !self.network_is_public,
            other => panic!("no such action: {other}"),
        }
    }
}

pub(crate) fn router(world: Shared) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/jwks", get(|State(world): State<Shared>| async move { Json(world.lock().unwrap().keys()) }))
        .route("/iam/.well-known/ssf-configuration", get(transmitter))
        .route("/introspect", post(introspect))
        .route("/iam/access/v1/evaluation", post(evaluate))
        .with_state(world)
}

async fn discovery(State(world): State<Shared>) -> Json<Value> {
    let issuer = world.lock().unwrap().issuer.clone();
    Json(json!({"issuer": issuer, "introspection_endpoint": format!("{issuer}/introspect"),
                "jwks_uri": format!("{issuer}/jwks")}))
}

async fn transmitter(State(world): State<Shared>) -> Json<Value> {
    let issuer = world.lock().unwrap().issuer.clone();
    Json(json!({"issuer": format!("{issuer}/iam"), "jwks_uri": format!("{issuer}/jwks")}))
}

async fn introspect(
    State(world): State<Shared>,
    headers: HeaderMap,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Json<Value>, StatusCode> {
    // orders-api:client/secret, form-encoded before base64.
    assert_eq!(headers["authorization"], "Basic b3JkZXJzLWFwaTpjbGllbnQlMkZzZWNyZXQ=");
    let world = world.lock().unwrap();
    if !world.provider_answers {
        return Err(StatusCode::INTERNAL_SERVER_ERROR);
    }
    Ok(Json(world.introspect(&form["token"])))
}

async fn evaluate(
    State(world): State<Shared>,
    headers: HeaderMap,
    Json(question): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    assert_eq!(headers["authorization"], "Bearer decide-token");
    let world = world.lock().unwrap();
    if !world.iam_answers {
        return Err(StatusCode::INTERNAL_SERVER_ERROR);
    }
    Ok(Json(json!({"decision": world.decide(&question)})))
}
