//! A club: an API with accounts and a login of its own, on an ephemeral port. Each hole opens exactly one defect, each
//! trap makes it odd but sound. Tokens are HS256 JWTs that name an account by number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use serde_json::{Value, json};

pub(crate) const KEY: &str = "a key that is in no list";

pub(crate) struct Club {
    pub(crate) url: String,
    pub(crate) state: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

pub(crate) struct Shared {
    oddities: BTreeSet<String>,
    pub(crate) data: Mutex<Data>,
}

#[derive(Default)]
pub(crate) struct Data {
    pub(crate) users: BTreeMap<u64, User>,
    notes: BTreeMap<String, (u64, String)>,
    comments: BTreeMap<u64, (String, u64, String)>,
    ended: BTreeSet<u64>,
    seen: BTreeSet<u64>,
    next: u64,
    pub(crate) logins: usize,
}

#[derive(Clone, Default)]
pub(crate) struct User {
    pub(crate) name: String,
    email: String,
    password: String,
    admin: bool,
    bio: String,
    card: Option<String>,
    epoch: u64,
}

type App = State<Arc<Shared>>;
type Refused = Box<Response>;

impl Shared {
    fn is(&self, oddity: &str) -> bool {
        self.oddities.contains(oddity)
    }

    fn refuse(&self, status: u16) -> Refused {
        if self.is("fail-200") {
            return Box::new(Json(json!({"status": "fail", "message": "no"})).into_response());
        }
        let status = if status == 401 && self.is("anonymous-403") { 403 } else { status };
        Box::new((StatusCode::from_u16(status).unwrap(), Json(json!({"errors": ["no"]}))).into_response())
    }

    fn answer(&self, status: u16, body: Value) -> Response {
        let body = if self.is("fail-200") { json!({"status": "success", "data": body}) } else { body };
        (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
    }
}

impl Club {
    pub(crate) async fn start(oddities: &[&str]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let oddities = oddities.iter().map(ToString::to_string).collect();
        let state = Arc::new(Shared { oddities, data: Mutex::new(seed()) });
        let app = routes().with_state(Arc::clone(&state));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, state, server }
    }
}

impl Drop for Club {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn seed() -> Data {
    let user = |name: &str, admin| User {
        name: name.into(),
        email: format!("{name}@example.com"),
        password: format!("{name}-pass"),
        admin,
        ..User::default()
    };
    let victim = User { card: Some("4111111111111111".into()), ..user("victor", false) };
    Data { users: BTreeMap::from([(1, user("root", true)), (2, victim)]), next: 2, ..Data::default() }
}

fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/users", post(register))
        .route("/v2/login", post(login))
        .route("/v1/login", post(old_login))
        .route("/logout", post(logout))
        .route("/me", get(me).patch(change_me))
        .route("/users/{name}", get(profile).delete(remove_user))
        .route("/users/{name}/password", put(set_password))
        .route("/users/{name}/email", put(set_email))
        .route("/users/{name}/name", put(rename))
        .route("/notes", post(add_note))
        .route("/v2/notes/{title}", get(read_note))
        .route("/v1/notes/{title}", get(old_note))
        .route("/notes/{title}/comments", get(comments).post(comment))
        .route("/notes/{title}/comments/{id}", delete(uncomment))
        .route("/members", get(members))
        .route("/debug", get(debug))
        .route("/admin", get(admin))
        .route("/undecided", get(undecided))
        .route("/reset", post(reset))
}

fn token(state: &Shared, id: u64, user: &User, jti: u64, first: bool) -> String {
    let lifetime = if state.is("short-lived") && first { 5 } else { 600 };
    let sub = if state.is("bound-to-name") { json!(user.name) } else { json!(id.to_string()) };
    let claims = json!({"sub": sub, "kind": "access", "epoch": user.epoch, "jti": jti, "exp": now() + lifetime});
    let message = format!("{}.{}", B64.encode(r#"{"alg":"HS256"}"#), B64.encode(claims.to_string()));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, KEY.as_bytes());
    format!("{message}.{}", B64.encode(aws_lc_rs::hmac::sign(&key, message.as_bytes())))
}

/// What a token says, when it is good; the account may be gone.
fn claims(state: &Shared, headers: &HeaderMap) -> Option<Value> {
    let cookie = headers.get("cookie").filter(|_| state.is("cookie"));
    let token = match cookie.and_then(|value| value.to_str().ok()) {
        Some(cookie) => cookie.strip_prefix("sid=")?.to_owned(),
        None if state.is("cookie") => return None,
        None => {
            let (scheme, token) = headers.get("authorization")?.to_str().ok()?.split_once(' ')?;
            let right =
                if state.is("strict-scheme") { scheme == "Token" } else { scheme.eq_ignore_ascii_case("token") };
            right.then(|| token.to_owned())?
        }
    };
    let (message, tag) = token.rsplit_once('.')?;
    let (header, payload) = message.split_once('.')?;
    let part = |text: &str| serde_json::from_slice::<Value>(&B64.decode(text).ok()?).ok();
    let claims = part(payload)?;
    let signed = verified(message, &B64.decode(tag).ok()?) && part(header)?["alg"] == "HS256";
    let kind = claims["kind"] == "access" || state.is("any-kind");
    let ended = state.data.lock().unwrap().ended.contains(&claims["jti"].as_u64()?) && !state.is("no-logout");
    let early = claims.get("nbf").is_some_and(|from| from.as_i64().is_none_or(|from| from > now()));
    (signed && kind && !ended && !early && claims["sub"].is_string() && claims["exp"].as_i64()? > now())
        .then_some(claims)
}

/// The account of a token.
fn caller(state: &Shared, headers: &HeaderMap) -> Result<(u64, User), Refused> {
    let claims = claims(state, headers).ok_or_else(|| state.refuse(401))?;
    let sub = claims["sub"].as_str().unwrap_or_default();
    let data = state.data.lock().unwrap();
    let mut users = data.users.iter();
    let found =
        users.find(|(id, user)| if state.is("bound-to-name") { user.name == sub } else { id.to_string() == sub });
    let Some((id, user)) = found else {
        if state.is("ghosts") {
            return Ok((0, User { name: format!("ghost of {sub}"), ..User::default() }));
        }
        return Err(if state.is("ghosts-500") {
            Box::new(StatusCode::INTERNAL_SERVER_ERROR.into_response())
        } else {
            state.refuse(401)
        });
    };
    let fresh = claims["epoch"] == user.epoch || state.is("stale");
    if fresh { Ok((*id, user.clone())) } else { Err(state.refuse(401)) }
}

fn text(body: &Value, field: &str) -> String {
    body[field].as_str().unwrap_or_default().to_owned()
}

async fn register(State(state): App, Json(body): Json<Value>) -> Response {
    let mut data = state.data.lock().unwrap();
    let (name, email) = (text(&body, "name"), text(&body, "email"));
    if data.users.values().any(|user| user.name == name || user.email == email) {
        return *state.refuse(409);
    }
    data.next += 1;
    let id = data.next;
    let admin = state.is("register-admin") && body["admin"] == true;
    let user = User { name: name.clone(), email, password: text(&body, "password"), admin, ..User::default() };
    data.users.insert(id, user);
    state.answer(201, json!({"name": name}))
}

fn signed_in(state: &Shared, body: &Value, any_password: bool) -> Response {
    let mut data = state.data.lock().unwrap();
    data.logins += 1;
    let (email, password) = (text(body, "email"), text(body, "password"));
    let found = data.users.iter().find(|(_, user)| user.email == email && (any_password || user.password == password));
    let Some((id, user)) = found.map(|(id, user)| (*id, user.clone())) else { return *state.refuse(401) };
    if state.is("no-token") {
        return Json(json!({"status": "fail", "message": "maintenance"})).into_response();
    }
    data.next += 1;
    let (jti, first) = (data.next, data.seen.insert(id));
    let token = token(state, id, &user, jti, first);
    let cookie = format!("sid={token}; HttpOnly");
    ([("set-cookie", cookie)], state.answer(200, json!({"user": {"name": user.name, "token": token}}))).into_response()
}

async fn login(State(state): App, request: Request) -> Response {
    match credentials(&state, request).await {
        Ok(body) => signed_in(&state, &body, state.is("any-password")),
        Err(status) => status.into_response(),
    }
}

/// Many logins take a form, as the password grant of RFC 6749 §4.3 does, and nothing else.
async fn credentials(state: &Shared, request: Request) -> Result<Value, StatusCode> {
    let kind = if state.is("form-login") { "application/x-www-form-urlencoded" } else { "application/json" };
    if request.headers().get("content-type").is_none_or(|found| found != kind) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let body = axum::body::to_bytes(request.into_body(), 10_000).await.map_err(|_| StatusCode::BAD_REQUEST)?;
    if !state.is("form-login") {
        return serde_json::from_slice(&body).map_err(|_| StatusCode::UNPROCESSABLE_ENTITY);
    }
    let pairs = url::form_urlencoded::parse(&body);
    Ok(pairs.map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()))).collect())
}

async fn old_login(State(state): App, Json(body): Json<Value>) -> Response {
    if state.is("old-login") { signed_in(&state, &body, true) } else { StatusCode::NOT_FOUND.into_response() }
}

async fn logout(State(state): App, headers: HeaderMap) -> Response {
    let Some(claims) = claims(&state, &headers) else { return *state.refuse(401) };
    state.data.lock().unwrap().ended.insert(claims["jti"].as_u64().unwrap());
    state.answer(200, json!({"bye": true}))
}

async fn me(State(state): App, headers: HeaderMap) -> Response {
    match caller(&state, &headers) {
        Ok((_, user)) => state.answer(
            200,
            json!({"name": user.name, "email": user.email, "admin": user.admin, "bio": user.bio, "card": user.card}),
        ),
        Err(refused) => *refused,
    }
}

async fn change_me(State(state): App, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let (id, _) = match caller(&state, &headers) {
        Ok(caller) => caller,
        Err(refused) => return *refused,
    };
    let mut data = state.data.lock().unwrap();
    let Some(user) = data.users.get_mut(&id) else { return *state.refuse(401) };
    user.bio = text(&body, "bio");
    if state.is("profile-admin") && body["admin"] == true {
        user.admin = true;
    }
    state.answer(200, json!({"bio": user.bio}))
}

async fn profile(State(state): App, headers: HeaderMap, Path(name): Path<String>) -> Response {
    if let Err(refused) = caller(&state, &headers) {
        return *refused;
    }
    let data = state.data.lock().unwrap();
    let Some(user) = data.users.values().find(|user| user.name == name) else { return *state.refuse(404) };
    let mut shown = json!({"name": user.name, "bio": user.bio, "contact": user.email});
    if state.is("card") {
        shown["cardNumber"] = json!(user.card);
    }
    if state.is("flag") {
        shown["admin"] = json!(user.admin);
    }
    state.answer(200, shown)
}

async fn remove_user(State(state): App, headers: HeaderMap, Path(name): Path<String>) -> Response {
    match caller(&state, &headers) {
        Ok((_, user)) if user.admin => {}
        Ok(_) => return *state.refuse(403),
        Err(refused) => return *refused,
    }
    let mut data = state.data.lock().unwrap();
    let before = data.users.len();
    data.users.retain(|_, user| user.name != name);
    if data.users.len() == before { *state.refuse(404) } else { state.answer(200, json!({"deleted": name})) }
}

/// Whose account a request changes: the caller's own, which the path must name; or the caller's whatever it names.
fn changed(state: &Shared, headers: &HeaderMap, name: &str, hole: (&str, &str)) -> Result<u64, Refused> {
    let (open, own) = hole;
    let (id, user) = caller(state, headers)?;
    let data = state.data.lock().unwrap();
    let named = data.users.iter().find(|(_, user)| user.name == name).map(|(id, _)| *id);
    let ghost = id == 0 && state.is("ghosts") && open == "any-ones-password";
    match named {
        _ if state.is(own) => Ok(id),
        Some(other) if user.name == name || state.is(open) || ghost => Ok(other),
        _ => Err(state.refuse(403)),
    }
}

async fn set_password(
    State(state): App,
    headers: HeaderMap,
    Path(name): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    match changed(&state, &headers, &name, ("any-ones-password", "own-password-only")) {
        Ok(id) => {
            let mut data = state.data.lock().unwrap();
            if let Some(user) = data.users.get_mut(&id) {
                user.password = text(&body, "password");
                user.epoch += 1;
            }
            StatusCode::NO_CONTENT.into_response()
        }
        Err(refused) => *refused,
    }
}

async fn set_email(
    State(state): App,
    headers: HeaderMap,
    Path(name): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    match changed(&state, &headers, &name, ("any-ones-email", "own-email-only")) {
        Ok(id) => {
            if let Some(user) = state.data.lock().unwrap().users.get_mut(&id) {
                user.email = text(&body, "email");
            }
            StatusCode::NO_CONTENT.into_response()
        }
        Err(refused) => *refused,
    }
}

async fn rename(State(state): App, headers: HeaderMap, Path(name): Path<String>, Json(body): Json<Value>) -> Response {
    match changed(&state, &headers, &name, ("any-ones-name", "")) {
        Ok(id) => {
            if let Some(user) = state.data.lock().unwrap().users.get_mut(&id) {
                user.name = text(&body, "name");
            }
            state.answer(200, json!({"name": body["name"]}))
        }
        Err(refused) => *refused,
    }
}

async fn add_note(State(state): App, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    match caller(&state, &headers) {
        Ok((id, _)) => {
            let note = (id, text(&body, "secret"));
            state.data.lock().unwrap().notes.insert(text(&body, "title"), note);
            state.answer(200, json!({"message": "added"}))
        }
        Err(refused) => *refused,
    }
}

fn note(state: &Shared, title: &str, may: impl Fn(u64) -> bool) -> Response {
    let data = state.data.lock().unwrap();
    match data.notes.get(title) {
        Some((owner, secret)) if may(*owner) => state.answer(200, json!({"title": title, "body": secret})),
        _ => *state.refuse(404),
    }
}

async fn read_note(State(state): App, headers: HeaderMap, Path(title): Path<String>) -> Response {
    match caller(&state, &headers) {
        Ok((id, _)) => note(&state, &title, |owner| owner == id || state.is("any-ones-note")),
        Err(refused) => *refused,
    }
}

async fn old_note(State(state): App, Path(title): Path<String>) -> Response {
    if state.is("old-version") { note(&state, &title, |_| true) } else { StatusCode::NOT_FOUND.into_response() }
}

async fn comments(State(state): App, Path(title): Path<String>) -> Response {
    let data = state.data.lock().unwrap();
    let shown = data.comments.iter().filter(|(_, (note, _, _))| *note == title);
    let shown: Vec<Value> = shown.map(|(id, (_, _, text))| json!({"id": id, "text": text})).collect();
    state.answer(200, json!({"comments": shown}))
}

async fn comment(
    State(state): App,
    headers: HeaderMap,
    Path(title): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    match caller(&state, &headers) {
        Ok((id, _)) => {
            let mut data = state.data.lock().unwrap();
            data.next += 1;
            let number = data.next;
            data.comments.insert(number, (title, id, text(&body, "text")));
            state.answer(201, json!({"comment": {"id": number}}))
        }
        Err(refused) => *refused,
    }
}

async fn uncomment(State(state): App, headers: HeaderMap, Path((title, id)): Path<(String, u64)>) -> Response {
    let (user, _) = match caller(&state, &headers) {
        Ok(caller) => caller,
        Err(refused) => return *refused,
    };
    let mut data = state.data.lock().unwrap();
    match data.comments.get(&id) {
        Some((note, owner, _)) if *note == title && (*owner == user || state.is("any-ones-comment")) => {
            data.comments.remove(&id);
            state.answer(200, json!({"gone": id}))
        }
        Some(_) => *state.refuse(403),
        None => *state.refuse(404),
    }
}

/// For everybody, and it names everybody: a name in an answer is no proof by itself.
async fn members(State(state): App) -> Response {
    let data = state.data.lock().unwrap();
    let members: Vec<_> = data.users.values().map(|user| json!({"name": user.name})).collect();
    let notes: Vec<_> = data.notes.keys().collect();
    state.answer(200, json!({"members": members, "notes": notes}))
}

async fn debug(State(state): App) -> Response {
    if !state.is("debug") {
        return *state.refuse(401);
    }
    let data = state.data.lock().unwrap();
    let users = data.users.values().map(|user| json!({"name": user.name, "password": user.password}));
    state.answer(200, users.collect())
}

async fn admin(State(state): App, headers: HeaderMap) -> Response {
    match caller(&state, &headers) {
        Ok((_, user)) if user.admin || state.is("admin") => state.answer(200, json!({"secrets": "of state"})),
        Ok(_) => *state.refuse(403),
        Err(refused) => *refused,
    }
}

async fn undecided(State(state): App) -> Response {
    if state.is("undecided") { state.answer(200, json!({"hello": "world"})) } else { *state.refuse(404) }
}

async fn reset(State(state): App, headers: HeaderMap) -> Response {
    let key = headers.get("x-reset").is_some();
    if !key && !state.is("reset") {
        return *state.refuse(401);
    }
    *state.data.lock().unwrap() = seed();
    state.answer(200, json!({"message": "as at the start"}))
}

fn verified(message: &str, tag: &[u8]) -> bool {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, KEY.as_bytes());
    aws_lc_rs::hmac::verify(&key, message.as_bytes(), tag).is_ok()
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}
