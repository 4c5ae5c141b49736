//! A small provider, sound until it is given a flaw. Written from the RFCs and independently of the checks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Json, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as B64};
use serde_json::{Value, json};

use crate::redirects;

pub(crate) type Fields = BTreeMap<String, String>;

/// What a client is registered with.
pub(crate) struct Client {
    pub(crate) secret: Option<&'static str>,
    pub(crate) method: &'static str,
    pub(crate) redirect_uris: &'static [&'static str],
    pub(crate) grants: &'static [&'static str],
    pub(crate) scopes: &'static [&'static str],
}

const LOGIN: &[&str] = &["authorization_code", "refresh_token", DEVICE];
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The registered clients.
pub(crate) fn clients() -> BTreeMap<&'static str, Client> {
    BTreeMap::from([
        (
            "app",
            Client {
                secret: None,
                method: "none",
                redirect_uris: &["http://localhost:8080/callback"],
                grants: LOGIN,
                scopes: &["orders:read", "orders:write"],
            },
        ),
        (
            "short",
            Client {
                secret: None,
                method: "none",
                redirect_uris: &["https://short.example/callback"],
                grants: &["authorization_code"],
                scopes: &[],
            },
        ),
        (
            "shop",
            Client {
                secret: Some("a secret: with/odd%characters"),
                method: "client_secret_basic",
                redirect_uris: &["https://shop.example/callback", "https://shop.example/second"],
                grants: LOGIN,
                scopes: &["orders:admin"],
            },
        ),
        (
            "worker",
            Client {
                secret: Some("another secret"),
                method: "client_secret_post",
                redirect_uris: &[],
                grants: &["client_credentials"],
                scopes: &["jobs"],
            },
        ),
    ])
}

/// A code, a refresh token, an access token or a device code.
#[derive(Clone, Default)]
struct Kept {
    client: String,
    redirect_uri: String,
    challenge: Option<String>,
    nonce: Option<String>,
    scope: String,
    family: usize,
    used: bool,
    revoked: bool,
    approved: bool,
}

#[derive(Default)]
struct Memory {
    next: usize,
    codes: BTreeMap<String, Kept>,
    refresh: BTreeMap<String, Kept>,
    access: BTreeMap<String, Kept>,
    devices: BTreeMap<String, Kept>,
    users: BTreeMap<String, String>,
    dead: Vec<usize>,
}

pub(crate) struct Provider {
    flaw: &'static str,
    issuer: String,
    key: EcdsaKeyPair,
    unpublished: EcdsaKeyPair,
    memory: Mutex<Memory>,
}

type Shared = State<Arc<Provider>>;

/// Starts it on a free port; the issuer comes back.
pub(crate) async fn start(flaw: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let key = || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let provider = Provider { flaw, issuer: issuer.clone(), key: key(), unpublished: key(), memory: Mutex::default() };
    let router = Router::new()
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/jwks", get(jwks))
        .route("/authorize", get(authorize))
        .route("/token", post(token))
        .route("/introspect", post(introspect))
        .route("/revoke", post(revoke))
        .route("/device", post(device))
        .route("/control/v1/devices/{code}", post(approve))
        .with_state(Arc::new(provider));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    issuer
}

/// A refusal at an endpoint that answers JSON.
type Refusal = (StatusCode, &'static str);

const fn bad(error: &'static str) -> Refusal {
    (StatusCode::BAD_REQUEST, error)
}

impl Provider {
    fn is(&self, flaw: &str) -> bool {
        self.flaw == flaw
    }

    fn answer(&self, result: Result<Value, Refusal>) -> Response {
        match result {
            Ok(value) => Json(value).into_response(),
            Err((_, error)) if self.is("errors with status 401") => {
                (StatusCode::UNAUTHORIZED, Json(json!({"error": error}))).into_response()
            }
            Err((status, error)) => (status, Json(json!({"error": error}))).into_response(),
        }
    }

    fn sign(&self, key: &EcdsaKeyPair, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| B64.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", B64.encode(signature.as_ref()))
    }

    fn id_token(&self, grant: &Kept, access_token: &str) -> String {
        let hash = digest(&SHA256, access_token.as_bytes());
        let mut claims = json!({"iss": self.issuer, "sub": "alice", "aud": grant.client, "exp": 4_000_000_000_u64,
            "iat": 1_700_000_000, "nonce": grant.nonce, "at_hash": B64.encode(&hash.as_ref()[..16])});
        match self.flaw {
            "id token of another issuer" => claims["iss"] = json!("https://other.example"),
            "id token for another client" => claims["aud"] = json!(["other"]),
            "id token with another at_hash" => claims["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA"),
            "at_hash left out" => drop(claims.as_object_mut().unwrap().remove("at_hash")),
            "nonce missing" => drop(claims.as_object_mut().unwrap().remove("nonce")),
            "nonce of another login" => claims["nonce"] = json!("another"),
            _ => {}
        }
        let header = json!({"alg": "ES256", "kid": "one", "typ": "JWT"});
        match self.flaw {
            "id token of another key" => self.sign(&self.unpublished, &header, &claims),
            "id token of an unpublished key" => {
                self.sign(&self.unpublished, &json!({"alg": "ES256", "kid": "two"}), &claims)
            }
            "id token unsigned" => {
                format!("{}.{}.", B64.encode(json!({"alg": "none"}).to_string()), B64.encode(claims.to_string()))
            }
            _ => self.sign(&self.key, &header, &claims),
        }
    }

    fn name(&self, memory: &mut Memory, kind: &str) -> String {
        memory.next += 1;
        B64.encode(digest(&SHA256, format!("{kind} {} {}", self.issuer, memory.next).as_bytes()))
    }

    /// Access token, and with a person ID token and refresh token.
    fn tokens(&self, grant: &Kept, person: bool) -> Value {
        let clients = clients();
        let client = &clients[grant.client.as_str()];
        let mut memory = self.memory.lock().unwrap();
        let mut access_token = self.name(&mut memory, "access");
        if !self.is("opaque access tokens") {
            let claims = json!({"iss": self.issuer, "sub": "alice", "jti": access_token, "scope": grant.scope});
            access_token = self.sign(&self.key, &json!({"alg": "ES256", "kid": "one", "typ": "at+jwt"}), &claims);
        }
        memory.access.insert(access_token.clone(), grant.clone());
        let mut answer = json!({"access_token": access_token, "token_type": "Bearer", "expires_in": 300});
        if !self.is("scope in the token only") {
            answer["scope"] = json!(grant.scope);
        }
        if person && grant.scope.split(' ').any(|scope| scope == "openid") {
            answer["id_token"] = json!(self.id_token(grant, &access_token));
        }
        if person && (client.grants.contains(&"refresh_token") || self.is("refresh for every client")) {
            let token = self.name(&mut memory, "refresh");
            memory.refresh.insert(token.clone(), Kept { used: false, ..grant.clone() });
            answer["refresh_token"] = json!(token);
        }
        answer
    }

    /// RFC 6749 §2.3, §3.2.1.
    fn authenticate(&self, headers: &HeaderMap, fields: &Fields) -> Result<String, Refusal> {
        let unknown = (StatusCode::UNAUTHORIZED, "invalid_client");
        let (id, secret, method) = presented(headers, fields).ok_or(unknown)?;
        let clients = clients();
        let client = clients.get(id.as_str()).ok_or(unknown)?;
        let lenient = match self.flaw {
            "secret not compared" => secret.as_deref().is_some_and(|secret| !secret.is_empty()),
            "empty secret taken" => secret.as_deref() == Some(""),
            "secret may be missing" => secret.is_none(),
            "secret ignored at refresh" => fields.get("grant_type").is_some_and(|grant| grant == "refresh_token"),
            "introspection with any secret" => fields.contains_key("token"),
            _ => false,
        };
        let right = secret.as_deref() == client.secret && (method == client.method || self.is("secret in any place"));
        if right || (lenient && client.secret.is_some()) { Ok(id) } else { Err(unknown) }
    }

    fn granted_scope(&self, client: &Client, asked: Option<&String>, person: bool) -> Result<String, Refusal> {
        let Some(asked) = asked else { return Ok(client.scopes.join(" ")) };
        let all = clients();
        let somebody = |scope: &str| all.values().any(|client| client.scopes.contains(&scope));
        let may = |scope: &&str| match self.flaw {
            "any scope" => person,
            "any scope for credentials" => !person,
            "any scope that somebody has" => somebody(scope),
            _ => false,
        } || client.scopes.contains(scope) || (person && *scope == "openid");
        if asked.contains('"') {
            return Err(bad("invalid_scope"));
        }
        let granted: Vec<&str> = asked.split(' ').filter(may).collect();
        let whole = granted.len() == asked.split(' ').count();
        if whole || self.is("scopes left out") { Ok(granted.join(" ")) } else { Err(bad("invalid_scope")) }
    }

    fn redeem(&self, client: &str, fields: &Fields) -> Result<Kept, Refusal> {
        let invalid = bad("invalid_grant");
        let code = fields.get("code").ok_or(bad("invalid_request"))?;
        let mut memory = self.memory.lock().unwrap();
        let memory = &mut *memory;
        let kept = memory.codes.get_mut(code).ok_or(invalid)?;
        if kept.client != client && !self.is("codes of other clients") {
            return Err(invalid);
        }
        let again = ["codes may be used again", "codes may be used again within a second"];
        if kept.used && !again.contains(&self.flaw) {
            if !self.is("used codes revoke nothing") {
                memory.dead.push(kept.family);
            }
            return Err(invalid);
        }
        match fields.get("redirect_uri") {
            Some(uri) if *uri == kept.redirect_uri => {}
            Some(_) if self.is("another redirect uri at the token endpoint") => {}
            None if self.is("redirect uri not repeated") => {}
            _ => return Err(invalid),
        }
        self.check_verifier(kept.challenge.as_deref(), fields.get("code_verifier"))?;
        kept.used = true;
        Ok(Kept { client: client.to_owned(), ..kept.clone() })
    }

    fn check_verifier(&self, challenge: Option<&str>, verifier: Option<&String>) -> Result<(), Refusal> {
        let right = match (challenge, verifier) {
            (None, None) => true,
            _ if self.is("pkce unknown") => true,
            (None, Some(_)) => self.is("verifier without a challenge"),
            (Some(_), None) => self.is("verifier may be missing"),
            (Some(challenge), Some(verifier)) => match challenge.strip_prefix("plain ") {
                Some(plain) => plain == verifier,
                None => {
                    B64.encode(digest(&SHA256, verifier.as_bytes())) == challenge
                        || self.is("verifier ignored")
                        || (self.is("verifier compared with the challenge") && challenge == verifier)
                }
            },
        };
        if right { Ok(()) } else { Err(bad("invalid_grant")) }
    }

    fn refresh(&self, client: &str, fields: &Fields) -> Result<Value, Refusal> {
        let invalid = bad("invalid_grant");
        let token = fields.get("refresh_token").ok_or(bad("invalid_request"))?;
        let mut memory = self.memory.lock().unwrap();
        let kept = memory.refresh.get(token).cloned().ok_or(invalid)?;
        let dead = memory.dead.contains(&kept.family) || kept.revoked;
        if dead || (kept.client != client && !self.is("refresh tokens of other clients")) {
            return Err(invalid);
        }
        let confidential = clients()[client].secret.is_some();
        let stays = self.is("refresh tokens never replaced")
            || (confidential && self.is("confidential clients keep their refresh tokens"));
        if kept.used && !self.is("old refresh tokens work on") {
            if !self.is("old refresh tokens revoke nothing") {
                memory.dead.push(kept.family);
            }
            return Err(invalid);
        }
        let scope = match fields.get("scope") {
            Some(scope) if self.is("wider scope at refresh") => scope.clone(),
            Some(scope) if scope.split(' ').all(|one| kept.scope.split(' ').any(|had| had == one)) => scope.clone(),
            Some(_) if self.is("scopes left out") => kept.scope.clone(),
            Some(_) => return Err(bad("invalid_scope")),
            None => kept.scope.clone(),
        };
        if !stays {
            memory.refresh.get_mut(token).unwrap().used = true;
        }
        drop(memory);
        let mut answer = self.tokens(&Kept { client: client.to_owned(), scope, ..kept }, true);
        if stays {
            answer["refresh_token"] = json!(token);
        }
        Ok(answer)
    }

    fn redeem_device(&self, client: &str, fields: &Fields) -> Result<Value, Refusal> {
        let code = fields.get("device_code").ok_or(bad("invalid_request"))?;
        let mut memory = self.memory.lock().unwrap();
        let kept = memory.devices.get_mut(code).ok_or(bad("invalid_grant"))?;
        if kept.client != client && !self.is("device codes of other clients") {
            return Err(bad("invalid_grant"));
        }
        if !kept.approved && !self.is("device tokens before approval") {
            return Err(bad("authorization_pending"));
        }
        if kept.used && !self.is("device codes twice") {
            return Err(bad("invalid_grant"));
        }
        kept.used = true;
        let grant = Kept { client: client.to_owned(), scope: "openid".into(), ..kept.clone() };
        drop(memory);
        Ok(self.tokens(&grant, true))
    }
}

fn presented(headers: &HeaderMap, fields: &Fields) -> Option<(String, Option<String>, &'static str)> {
    let decode = |text: &str| url::form_urlencoded::parse(format!("v={text}").as_bytes()).next().unwrap().1.into_owned();
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = STANDARD.decode(value.to_str().ok()?.strip_prefix("Basic ")?).ok()?;
        let (id, secret) = std::str::from_utf8(&text).ok()?.split_once(':')?;
        return Some((decode(id), Some(decode(secret)), "client_secret_basic"));
    }
    let id = fields.get("client_id")?.clone();
    let secret = fields.get("client_secret").cloned();
    let method = if secret.is_some() { "client_secret_post" } else { "none" };
    Some((id, secret, method))
}

async fn metadata(State(provider): Shared) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", provider.issuer);
    let mut document = json!({
        "issuer": provider.issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks"),
        "response_types_supported": ["code"],
        "id_token_signing_alg_values_supported": ["ES256"],
    });
    if !provider.is("bare metadata") {
        document["introspection_endpoint"] = json!(at("/introspect"));
        document["revocation_endpoint"] = json!(at("/revoke"));
        document["device_authorization_endpoint"] = json!(at("/device"));
        document["authorization_response_iss_parameter_supported"] = json!(true);
    }
    match provider.flaw {
        "metadata of another issuer" => document["issuer"] = json!(format!("{}/", provider.issuer)),
        "endpoint on another origin" => document["userinfo_endpoint"] = json!("https://other.example/userinfo"),
        "alg none announced" => document["id_token_signing_alg_values_supported"] = json!(["ES256", "none"]),
        "alg none for assertions" => {
            document["token_endpoint_auth_signing_alg_values_supported"] = json!(["none"]);
        }
        "password grant announced" => document["grant_types_supported"] = json!(["authorization_code", "password"]),
        _ => {}
    }
    Json(document)
}

async fn jwks(State(provider): Shared) -> Json<Value> {
    let point = provider.key.public_key().as_ref();
    let (x, y) = (B64.encode(&point[1..33]), B64.encode(&point[33..]));
    Json(json!({"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "one", "x": x, "y": y}]}))
}

fn page(status: StatusCode) -> Response {
    (status, Html("<p>This request is not right.</p>")).into_response()
}

fn redirect(uri: &str, parameters: &[(&str, &str)]) -> Response {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let separator = if uri.contains('?') { '&' } else { '?' };
    (StatusCode::FOUND, [(header::LOCATION, format!("{uri}{separator}{query}"))]).into_response()
}

async fn authorize(State(provider): Shared, Query(fields): Query<Fields>) -> Response {
    let text = |name: &str| fields.get(name).map_or("", String::as_str);
    let (clients, uri) = (clients(), text("redirect_uri"));
    let Some(client) = clients.get(text("client_id")) else {
        let lost = provider.is("unknown clients are redirected");
        return if lost { redirect(uri, &[("error", "invalid_client")]) } else { page(StatusCode::BAD_REQUEST) };
    };
    let registered = client.redirect_uris.contains(&uri);
    if !registered && !redirects::accepts(provider.flaw, client.redirect_uris, uri) {
        let astray = provider.is("errors go to any address") && text("response_type") != "code";
        return if astray { redirect(uri, &[("error", "invalid_request")]) } else { page(StatusCode::BAD_REQUEST) };
    }
    let state = match provider.flaw {
        "state decoded twice" => url::form_urlencoded::parse(format!("v={}", text("state")).as_bytes())
            .next()
            .map_or(String::new(), |(_, value)| value.into_owned()),
        "state trimmed to words" => text("state").chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_').collect(),
        _ => text("state").to_owned(),
    };
    let issuer = if provider.is("iss of another") { "https://other.example" } else { &provider.issuer };
    let failed = |error: &str| {
        let mut parameters = vec![("error", error)];
        parameters.extend((!provider.is("state dropped in errors")).then_some(("state", state.as_str())));
        parameters.extend((!provider.is("iss missing in errors")).then_some(("iss", issuer)));
        if provider.is("errors on pages") { page(StatusCode::OK) } else { redirect(uri, &parameters) }
    };
    match (text("response_type"), provider.flaw) {
        ("code", _) => {}
        ("token", "implicit tokens") => return fragment(uri, "access_token=abcdefghijkl&token_type=Bearer"),
        ("id_token", "implicit id tokens") => return fragment(uri, "id_token=abcdefghijkl"),
        ("code token", "hybrid tokens") => return fragment(uri, "code=abcdefghijkl&access_token=abcdefghijklm"),
        _ => return failed("unsupported_response_type"),
    }
    if !client.grants.contains(&"authorization_code") {
        return failed("unauthorized_client");
    }
    let scope = match provider.granted_scope(client, fields.get("scope"), true) {
        Ok(scope) => scope,
        Err((_, error)) => return failed(error),
    };
    let challenge = match (fields.get("code_challenge"), text("code_challenge_method")) {
        (Some(challenge), "S256") => Some(challenge.clone()),
        (Some(challenge), _) if provider.is("plain challenges") => Some(format!("plain {challenge}")),
        (None, _) if provider.is("pkce optional for public clients") => None,
        (None, _) if provider.is("verifier without a challenge") && client.secret.is_some() => None,
        (challenge, _) if provider.is("pkce unknown") => challenge.cloned(),
        _ => return failed("invalid_request"),
    };
    let mut memory = provider.memory.lock().unwrap();
    let code = provider.name(&mut memory, "code");
    let kept = Kept {
        client: text("client_id").to_owned(),
        redirect_uri: uri.to_owned(),
        challenge,
        nonce: fields.get("nonce").cloned(),
        scope,
        family: memory.next,
        ..Kept::default()
    };
    memory.codes.insert(code.clone(), kept);
    let mut parameters = vec![("code", code.as_str())];
    parameters.extend((!provider.is("state dropped")).then_some(("state", state.as_str())));
    parameters.extend((!provider.is("iss missing")).then_some(("iss", issuer)));
    match provider.flaw {
        "access token beside the code" => parameters.push(("access_token", "abcdefghijklmnop")),
        "refresh token beside the code" => parameters.push(("refresh_token", "abcdefghijklmnop")),
        _ => {}
    }
    redirect(uri, &parameters)
}

fn fragment(uri: &str, text: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, format!("{uri}#{text}"))]).into_response()
}

async fn token(State(provider): Shared, headers: HeaderMap, Form(fields): Form<Fields>) -> Response {
    provider.answer(trade(&provider, &headers, &fields))
}

fn trade(provider: &Provider, headers: &HeaderMap, fields: &Fields) -> Result<Value, Refusal> {
    let id = provider.authenticate(headers, fields)?;
    let clients = clients();
    let client = &clients[id.as_str()];
    let grant = fields.get("grant_type").map_or("", String::as_str);
    let lenient = match provider.flaw {
        "credentials for public clients" => grant == "client_credentials" && client.secret.is_none(),
        "credentials for every confidential client" => grant == "client_credentials" && client.secret.is_some(),
        "refresh for every client" => grant == "refresh_token",
        _ => false,
    };
    match (grant, provider.flaw) {
        ("password", "password grant" | "password grant announced") => return Err(bad("invalid_grant")),
        ("password", "token endpoint fails over strange grants") => {
            return Err((StatusCode::INTERNAL_SERVER_ERROR, "server_error"));
        }
        _ if !client.grants.contains(&grant) && !lenient => return Err(bad("unauthorized_client")),
        _ => {}
    }
    match grant {
        "authorization_code" => provider.redeem(&id, fields).map(|kept| provider.tokens(&kept, true)),
        "refresh_token" => provider.refresh(&id, fields),
        "client_credentials" => {
            let scope = provider.granted_scope(client, fields.get("scope"), false)?;
            Ok(provider.tokens(&Kept { client: id, scope, ..Kept::default() }, false))
        }
        DEVICE => provider.redeem_device(&id, fields),
        _ => Err(bad("unsupported_grant_type")),
    }
}

async fn introspect(State(provider): Shared, headers: HeaderMap, Form(fields): Form<Fields>) -> Response {
    let caller = provider.authenticate(&headers, &fields);
    let public = caller.as_ref().is_ok_and(|id| clients()[id.as_str()].secret.is_none());
    if (caller.is_err() || public) && !provider.is("introspection for anybody") {
        return provider.answer(Err((StatusCode::UNAUTHORIZED, "invalid_client")));
    }
    let memory = provider.memory.lock().unwrap();
    let active = memory.access.get(fields.get("token").map_or("", String::as_str)).is_some_and(|kept| !kept.revoked);
    provider.answer(Ok(json!({"active": active})))
}

async fn revoke(State(provider): Shared, headers: HeaderMap, Form(fields): Form<Fields>) -> Response {
    let caller = match provider.authenticate(&headers, &fields) {
        Ok(caller) => caller,
        Err(refusal) => return provider.answer(Err(refusal)),
    };
    let token = fields.get("token").map_or("", String::as_str);
    let may = |kept: &&mut Kept| kept.client == caller || provider.is("anybody may revoke");
    let mut memory = provider.memory.lock().unwrap();
    if let Some(kept) = memory.refresh.get_mut(token).filter(may) {
        kept.revoked = !provider.is("revoked refresh tokens work on");
    }
    if let Some(kept) = memory.access.get_mut(token).filter(may) {
        kept.revoked = !provider.is("revoked access tokens are active");
    }
    StatusCode::OK.into_response()
}

async fn device(State(provider): Shared, headers: HeaderMap, Form(fields): Form<Fields>) -> Response {
    let client = match provider.authenticate(&headers, &fields) {
        Ok(client) => client,
        Err(refusal) => return provider.answer(Err(refusal)),
    };
    let mut memory = provider.memory.lock().unwrap();
    let (code, user) = (provider.name(&mut memory, "device"), format!("USER-{}", memory.next));
    memory.users.insert(user.clone(), code.clone());
    memory.devices.insert(code.clone(), Kept { client, ..Kept::default() });
    provider.answer(Ok(json!({"device_code": code, "user_code": user, "expires_in": 600})))
}

async fn approve(State(provider): Shared, Path(user): Path<String>, Json(order): Json<Value>) -> StatusCode {
    let mut memory = provider.memory.lock().unwrap();
    let code = memory.users.get(&user).cloned().unwrap_or_default();
    match memory.devices.get_mut(&code).filter(|_| order["persona"] == "alice") {
        Some(device) => {
            device.approved = true;
            StatusCode::NO_CONTENT
        }
        None => StatusCode::NOT_FOUND,
    }
}
