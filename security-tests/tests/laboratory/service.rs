//! The laboratory over HTTP: a provider that mints to order, and a small API behind the verifier. At most one mistake, by
//! name, in the whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use serde_json::{Value, json};

use super::keys::Key;
use super::members::{Doubles, Members, members};
use super::proof;
use super::verifier::{AUDIENCE, USERS, Verifier};

pub(crate) struct Laboratory {
    pub(crate) flaw: String,
    pub(crate) key: Key,
    pub(crate) unpublished: Key,
    pub(crate) url: String,
    pub(crate) issued: Mutex<Vec<String>>,
    notes: Mutex<BTreeMap<String, Value>>,
    proofs: Mutex<BTreeSet<String>>,
}

/// A running laboratory; ends with this value.
pub(crate) struct Running {
    pub(crate) url: String,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Laboratory {
    pub(crate) fn new(flaw: &str, url: &str) -> Self {
        let key = match flaw {
            "common word as key" => Key::Hs(b"secret".to_vec()),
            "project word as key" => Key::Hs(b"tea-shop-secret".to_vec()),
            "file value as key" => Key::Hs(b"tr0ub4dor&3".to_vec()),
            "strict with a good secret" => Key::Hs((0..32).map(|byte| byte * 7 + 3).collect()),
            "hs256 with pkcs1 pem" | "strict with rsa" => Key::rs(),
            _ => Key::es(),
        };
        Self {
            flaw: flaw.to_owned(),
            key,
            unpublished: Key::es(),
            url: url.to_owned(),
            issued: Mutex::default(),
            notes: Mutex::default(),
            proofs: Mutex::default(),
        }
    }

    pub(crate) async fn start(flaw: &str) -> Running {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = app(Arc::new(Self::new(flaw, &url)));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Running { url, server }
    }

    fn is(&self, flaw: &str) -> bool {
        self.flaw == flaw
    }

    /// The published keys, each as text.
    pub(crate) fn published(&self) -> Vec<String> {
        if matches!(self.key, Key::Hs(_)) { Vec::new() } else { vec![self.key.jwk().to_string()] }
    }

    /// A token as `docs/wire.md` describes the order, and with `payload` as text beside.
    pub(crate) fn mint(&self, order: &Value) -> String {
        let now = now();
        let lifetime = order["lifetime_seconds"].as_i64().unwrap_or(300);
        let persona = order["persona"].as_str().unwrap();
        let mut claims = json!({"iss": self.url, "sub": persona, "aud": AUDIENCE, "exp": now + lifetime,
            "iat": now.min(now + lifetime) - 1, "jti": format!("t{}", self.issued.lock().unwrap().len()), "client_id": "shop",
            "scope": "notes"});
        let mut header = json!({"alg": self.key.algorithm(), "typ": "at+jwt", "kid": "k1"});
        for (over, usual) in [("claims", &mut claims), ("header", &mut header)] {
            for (member, value) in order[over].as_object().into_iter().flatten() {
                usual[member] = value.clone();
            }
            let nulls: Vec<String> = order[over]
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(_, value)| value.is_null())
                .map(|(name, _)| name.clone())
                .collect();
            usual.as_object_mut().unwrap().retain(|name, _| !nulls.contains(name));
        }
        let payload = order["payload"].as_str().map_or_else(|| claims.to_string(), str::to_owned);
        let message = format!("{}.{}", B64.encode(header.to_string()), B64.encode(payload));
        let key = if order["signature"] == "other_key" { &self.unpublished } else { &self.key };
        // A signature that both alphabets of base64 spell alike could not be spelled otherwise: sign again.
        let differs = |signature: &String| signature.contains(['-', '_']) || !matches!(key, Key::Es(_));
        let mut signatures = std::iter::repeat_with(|| B64.encode(key.sign(message.as_bytes())));
        let token = format!("{message}.{}", signatures.find(differs).unwrap());
        self.issued.lock().unwrap().push(token.clone());
        token
    }

    /// Whose token it is.
    pub(crate) fn verifier<'a>(
        &'a self,
        issued: &'a [String],
        fetched: Option<&'a str>,
        proven: Option<&'a str>,
    ) -> Verifier<'a> {
        Verifier {
            flaw: &self.flaw,
            key: &self.key,
            unpublished: &self.unpublished,
            issuer: &self.url,
            issued,
            fetched,
            proven,
            now: now(),
        }
    }
}

pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

type Lab = State<Arc<Laboratory>>;

fn app(laboratory: Arc<Laboratory>) -> Router {
    Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(|State(lab): Lab| async move { Json(json!({"issuer": lab.url, "jwks_uri": format!("{}/jwks", lab.url)})) }),
        )
        .route("/jwks", get(jwks))
        .route("/control/v1/tokens", post(mint))
        .fallback(api)
        .with_state(laboratory)
}

async fn jwks(State(lab): Lab) -> String {
    format!(r#"{{"keys":[{}]}}"#, lab.published().join(","))
}

async fn mint(State(lab): Lab, Json(order): Json<Value>) -> (StatusCode, Json<Value>) {
    (StatusCode::CREATED, Json(json!({"access_token": lab.mint(&order), "expires_in": 300})))
}

struct Caller {
    subject: String,
    claims: Members,
}

/// What is asked for, and whether the guard was asked.
struct Route {
    method: String,
    path: String,
    guarded: bool,
}

async fn api(State(lab): Lab, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let route = route(&lab, head.method.as_ref(), head.uri.path(), &head.headers);
    let caller = match identified(&lab, head.method.as_ref(), &head.uri.to_string(), &head.headers).await {
        caller @ Some(_) => caller,
        None if !route.guarded => None,
        None => return StatusCode::UNAUTHORIZED.into_response(),
    };
    answer(&lab, &route, caller.as_ref(), &body)
}

fn answer(lab: &Laboratory, route: &Route, caller: Option<&Caller>, body: &[u8]) -> Response {
    let subject = caller.map(|caller| caller.subject.clone());
    let mut notes = lab.notes.lock().unwrap();
    match (route.method.as_str(), route.path.split('/').skip(1).collect::<Vec<_>>().as_slice()) {
        ("GET", ["health"]) => Json(json!({"status": "ok"})).into_response(),
        ("GET", ["me"]) => Json(json!({"sub": subject})).into_response(),
        ("POST", ["notes"]) => {
            let text: Value = serde_json::from_slice(body).unwrap_or_default();
            let id = format!("n{}", notes.len());
            let note = json!({"id": id, "owner": subject, "text": text["text"]});
            notes.insert(id, note.clone());
            (StatusCode::CREATED, Json(note)).into_response()
        }
        ("GET", ["notes", id]) => match notes.get(*id) {
            Some(note) if !route.guarded || may_read(lab, note, caller) => Json(note.clone()).into_response(),
            _ => StatusCode::NOT_FOUND.into_response(),
        },
        ("PATCH", ["notes", id]) => update(lab, &mut notes, (id, caller), body),
        ("GET", ["export"]) => {
            if !route.guarded || may_export(lab, caller) {
                return Json(json!({"notes": notes.values().collect::<Vec<_>>(), "by": "root"})).into_response();
            }
            StatusCode::FORBIDDEN.into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The path says which note, unless the flaw is that guard and handler each read a body that says it twice.
fn update(
    lab: &Laboratory,
    notes: &mut BTreeMap<String, Value>,
    (id, caller): (&str, Option<&Caller>),
    body: &[u8],
) -> Response {
    let named = |doubles| {
        let body = members(body, doubles).unwrap_or_default();
        body.get("id").and_then(Value::as_str).unwrap_or(id).to_owned()
    };
    let (guarded, handled) = match lab.flaw.as_str() {
        "guard reads the first id, handler the last" => (named(Doubles::First), named(Doubles::Last)),
        "guard reads the last id, handler the first" => (named(Doubles::Last), named(Doubles::First)),
        _ => (id.to_owned(), id.to_owned()),
    };
    let text = members(body, Doubles::Last).unwrap_or_default().get("text").cloned();
    match notes.get(&guarded) {
        Some(note) if may_read(lab, note, caller) && text.is_some() => {}
        _ => return StatusCode::NOT_FOUND.into_response(),
    }
    match notes.get_mut(&handled) {
        Some(note) => {
            note["text"] = text.unwrap_or_default();
            Json(note.clone()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn may_read(lab: &Laboratory, note: &Value, caller: Option<&Caller>) -> bool {
    let Some(caller) = caller else { return lab.is("no token needed") };
    // mallory and root are of another tenant than alice and bob.
    let claimed = lab.is("tenant of the token") && caller.claims.get("tenant") == Some(&json!("acme"));
    note["owner"] == caller.subject.as_str() || claimed
}

fn may_export(lab: &Laboratory, caller: Option<&Caller>) -> bool {
    let Some(caller) = caller else { return lab.is("no token needed") };
    let claims = |name: &str| caller.claims.get(name).map(Value::to_string).unwrap_or_default();
    caller.subject == "root"
        || lab.is("roles of the token") && claims("roles").contains("admin")
        || lab.is("scope of the token") && claims("scope").contains("admin")
}

/// What the router makes of a request. Another spelling of a path is nothing, unless the flaw is to know it, behind the
/// guard's back.
fn route(lab: &Laboratory, method: &str, path: &str, headers: &HeaderMap) -> Route {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let known = |path: &str| path == "/me" || path == "/notes" || path == "/export" || path.starts_with("/notes/");
    let respelled = match lab.flaw.as_str() {
        "trailing slash unguarded" => path.strip_suffix('/').map(str::to_owned),
        "double slash unguarded" => path.strip_prefix('/').filter(|path| path.starts_with('/')).map(str::to_owned),
        "upper case unguarded" => Some(path.to_lowercase()).filter(|lower| lower != path),
        "dot segment unguarded" => path.strip_prefix("/x/..%2f").map(|rest| format!("/{rest}")),
        "percent encoding unguarded" => path.strip_prefix("/%").and_then(|rest| {
            let letter = u8::from_str_radix(rest.get(..2)?, 16).ok()?;
            Some(format!("/{}{}", char::from(letter), rest.get(2..)?))
        }),
        "path parameter unguarded" => path.split_once(';').map(|(path, _)| path.to_owned()),
        "suffix unguarded" => path.strip_suffix(".json").map(str::to_owned),
        "original url unguarded" => header("x-original-url"),
        "rewrite url unguarded" => header("x-rewrite-url"),
        _ => None,
    };
    if let Some(path) = respelled.filter(|path| known(path)) {
        return Route { method: method.to_owned(), path, guarded: false };
    }
    match header("x-http-method-override") {
        Some(method) if lab.is("method override unguarded") => Route { method, path: path.to_owned(), guarded: false },
        _ => {
            let guarded = path != "/health" && !lab.is("no token needed");
            Route { method: method.to_owned(), path: path.to_owned(), guarded }
        }
    }
}

async fn identified(lab: &Laboratory, method: &str, uri: &str, headers: &HeaderMap) -> Option<Caller> {
    let named = match lab.flaw.as_str() {
        name @ ("x-forwarded-user" | "remote-user" | "x-authenticated-userid") => headers.get(name),
        _ => None,
    };
    if let Some(name) = named.and_then(|name| name.to_str().ok()) {
        return Some(Caller { subject: name.to_owned(), claims: Members::new() });
    }
    let all: Vec<&str> = headers.get_all("authorization").iter().filter_map(|value| value.to_str().ok()).collect();
    let bearer = |value: &str| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.to_owned())
    };
    match (all.as_slice(), lab.flaw.as_str()) {
        ([one], _) if one.starts_with("DPoP ") => {
            let token = one.trim_start_matches("DPoP ");
            let proof = headers.get("dpop")?.to_str().ok()?;
            let url = format!("{}{uri}", lab.url);
            let proven = proof::check(&lab.flaw, (method, &url, token), proof, now())?;
            let fresh = lab.proofs.lock().unwrap().insert(proven.identifier);
            if !fresh && !lab.is("proof replayed") {
                return None;
            }
            verified(lab, token, Some(&proven.thumbprint)).await
        }
        ([one], "token of any scheme") => verified(lab, one.split_once(' ')?.1, None).await,
        ([one], "token without a scheme") if !one.contains(' ') => verified(lab, one, None).await,
        ([one], _) => verified(lab, &bearer(one)?, None).await,
        ([first, last], "first token verified, last believed") => believed(lab, &bearer(first)?, &bearer(last)?).await,
        ([first, last], "last token verified, first believed") => believed(lab, &bearer(last)?, &bearer(first)?).await,
        ([], "token in the query") => verified(lab, uri.split_once("access_token=")?.1, None).await,
        ([], "token in a cookie") => {
            verified(lab, headers.get("cookie")?.to_str().ok()?.strip_prefix("access_token=")?, None).await
        }
        ([], "token in x-access-token") => verified(lab, headers.get("x-access-token")?.to_str().ok()?, None).await,
        _ => None,
    }
}

async fn verified(lab: &Laboratory, token: &str, proven: Option<&str>) -> Option<Caller> {
    let fetched = fetched(lab, token).await;
    let issued = lab.issued.lock().unwrap().clone();
    let (subject, claims) = lab.verifier(&issued, fetched.as_deref(), proven).verify(token).ok()?;
    Some(Caller { subject, claims })
}

/// The mistake of two parts that look at different headers.
async fn believed(lab: &Laboratory, verified_one: &str, other: &str) -> Option<Caller> {
    verified(lab, verified_one, None).await?;
    let payload = B64.decode(other.split('.').nth(1)?).ok()?;
    let claims: Members = serde_json::from_slice(&payload).ok()?;
    let subject = claims.get("sub")?.as_str().filter(|name| USERS.contains(name))?.to_owned();
    Some(Caller { subject, claims })
}

/// What is where the header points, for the flaws that look there.
async fn fetched(lab: &Laboratory, token: &str) -> Option<String> {
    let header: Value = serde_json::from_slice(&B64.decode(token.split('.').next()?).ok()?).ok()?;
    let url = match lab.flaw.as_str() {
        "jku fetched" => header["jku"].as_str(),
        "jku fetched when it contains the issuer" => header["jku"].as_str().filter(|url| url.starts_with(&lab.url)),
        "x5u fetched" => header["x5u"].as_str(),
        _ => None,
    }?;
    reqwest::Client::builder().no_proxy().build().ok()?.get(url).send().await.ok()?.text().await.ok()
}
