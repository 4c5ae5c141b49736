//! The API under test.

use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, KeyPair, UnparsedPublicKey};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as B64};
use serde_json::{Value, json};

use super::world::{Shared, now};

type Shop = State<Arc<Shared>>;

struct Caller {
    sub: String,
    tenant: String,
    roles: Vec<String>,
    claimed: Vec<String>,
}

impl Caller {
    fn has(&self, role: &str) -> bool {
        self.roles.iter().any(|known| known == role)
    }
}

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/me", get(me))
        .route("/orders", get(list).post(create))
        .route("/orders/{id}", get(read).patch(update).delete(remove))
        .route("/orders/{id}/refund", post(refund))
        .route("/export", get(export))
        .route("/health", get(|| async { Json(json!({"status": "ok"})) }))
}

fn refuse(state: &Shared, status: u16) -> Response {
    if state.is("fail-200") {
        return Json(json!({"status": "fail", "message": "not for you"})).into_response();
    }
    let status = if status == 401 && state.is("anonymous-403") { 403 } else { status };
    (StatusCode::from_u16(status).unwrap(), Json(json!({"error": "refused"}))).into_response()
}

fn answer(state: &Shared, body: Value) -> Response {
    if state.is("fail-200") {
        return Json(json!({"status": "success", "data": body})).into_response();
    }
    Json(body).into_response()
}

fn caller(state: &Shared, headers: &HeaderMap) -> Result<Caller, Box<Response>> {
    if state.is("down") {
        return Err(Box::new((StatusCode::SERVICE_UNAVAILABLE, "down").into_response()));
    }
    let no = || Box::new(refuse(state, 401));
    let value = headers.get("authorization").ok_or_else(no)?.to_str().unwrap();
    let (scheme, token) = value.split_once(' ').ok_or_else(no)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(no());
    }
    verify(state, token).ok_or_else(no)
}

fn verify(state: &Shared, token: &str) -> Option<Caller> {
    let parts: Vec<&str> = token.split('.').collect();
    let part = |at: usize| -> Option<Value> { serde_json::from_slice(&B64.decode(parts.get(at)?).ok()?).ok() };
    let (header, claims) = (part(0)?, part(1)?);
    let signature = B64.decode(parts.get(2).unwrap_or(&"")).ok()?;
    let message = format!("{}.{}", parts[0], parts[1]);
    let for_us = claims["aud"] == "shop" && claims["iss"] == state.url.as_str() && header["typ"] == "at+jwt";
    if !signed(state, &header, &message, &signature) || !for_us || header.get("crit").is_some() || parts.len() > 3 {
        return None;
    }
    let begins = |name: &str| claims.get(name).map_or(Some(0), Value::as_i64);
    if !state.is("expired-token") && claims["exp"].as_i64()? < now()
        || claims["exp"].as_i64()? > now() + 365 * 24 * 3600
        || begins("nbf")? > now()
        || begins("iat")? > now()
    {
        return None;
    }
    let (sub, jti) = (claims["sub"].as_str()?, claims["jti"].as_str()?);
    let mut inner = state.inner.lock().unwrap();
    let (persona, active) = inner.users.get(sub)?.clone();
    let seen = inner.seen.contains(jti);
    if inner.revoked.contains(jti) && !(state.is("stale-introspection") && seen) {
        return None;
    }
    if !active && !state.is("deactivated-user") {
        return None;
    }
    inner.seen.insert(jti.to_owned());
    let claimed = claims["roles"].as_array()?.iter().filter_map(|role| Some(role.as_str()?.to_owned())).collect();
    Some(Caller { sub: sub.to_owned(), tenant: persona.tenant.unwrap(), roles: persona.roles, claimed })
}

fn signed(state: &Shared, header: &Value, message: &str, signature: &[u8]) -> bool {
    let public = state.key.public_key().as_ref();
    let valid = |point: &[u8]| {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message.as_bytes(), signature).is_ok()
    };
    let algorithm = header["alg"].as_str().unwrap_or("").to_lowercase();
    match algorithm.as_str() {
        _ if state.is("no-verification") => true,
        "es256" if state.is("ignored-signature") => true,
        "" | "none" => state.is("unsigned-token"),
        "hs256" if state.is("key-confusion") => hmac(&pem(public), message, signature),
        "es256" if state.is("embedded-key") && header.get("jwk").is_some() => {
            let half = |name: &str| B64.decode(header["jwk"][name].as_str().unwrap()).unwrap();
            valid(&[vec![4], half("x"), half("y")].concat())
        }
        "es256" => valid(public),
        _ => false,
    }
}

pub(crate) fn hmac(secret: &[u8], message: &str, tag: &[u8]) -> bool {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
    aws_lc_rs::hmac::verify(&key, message.as_bytes(), tag).is_ok()
}

/// The fixed head of a P-256 SubjectPublicKeyInfo, then the point.
pub(crate) fn pem(point: &[u8]) -> Vec<u8> {
    let head = STANDARD.decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=").unwrap();
    let text = STANDARD.encode([head, point.to_vec()].concat());
    format!("-----BEGIN PUBLIC KEY-----\n{}\n{}\n-----END PUBLIC KEY-----\n", &text[..64], &text[64..]).into_bytes()
}

async fn me(State(state): Shop, headers: HeaderMap) -> Response {
    if let Some(name) = headers.get("x-forwarded-user").filter(|_| state.is("identity-header")) {
        return answer(&state, json!({"sub": name.to_str().unwrap()}));
    }
    if state.is("optional-auth") && !headers.contains_key("authorization") {
        return answer(&state, json!({"sub": "nobody"}));
    }
    match caller(&state, &headers) {
        Ok(caller) => answer(&state, json!({"sub": caller.sub})),
        Err(_) if state.is("server-error") => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Err(refused) => *refused,
    }
}

async fn list(State(state): Shop, headers: HeaderMap) -> Response {
    let all = |keep: &dyn Fn(&Value) -> bool| -> Value {
        state.inner.lock().unwrap().orders.values().filter(|order| keep(order)).cloned().collect()
    };
    if state.is("anonymous-list") && !headers.contains_key("authorization") {
        return answer(&state, all(&|_| true));
    }
    let caller = match caller(&state, &headers) {
        Ok(caller) => caller,
        Err(refused) => return *refused,
    };
    let staff = caller.has("support") || caller.has("admin");
    let mine =
        |order: &Value| order["owner"] == caller.sub.as_str() || (staff && order["tenant"] == caller.tenant.as_str());
    answer(&state, all(&|order| state.is("list-leak") || mine(order)))
}

async fn create(State(state): Shop, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let caller = match caller(&state, &headers) {
        Ok(caller) => caller,
        Err(refused) => return *refused,
    };
    if !caller.has("customer") {
        return refuse(&state, 403);
    }
    let mut inner = state.inner.lock().unwrap();
    inner.next += 1;
    let id = format!("o{}", inner.next);
    let mut order =
        json!({"id": id, "owner": caller.sub, "tenant": caller.tenant, "item": body["item"], "status": "open"});
    if state.is("mass-assign-create") {
        assign(&mut order, &body);
    }
    inner.orders.insert(id, order.clone());
    drop(inner);
    let mut response = answer(&state, order);
    *response.status_mut() = StatusCode::CREATED;
    response
}

fn assign(order: &mut Value, body: &Value) {
    for field in ["owner", "tenant", "status"] {
        if let Some(value) = body.get(field) {
            order[field] = value.clone();
        }
    }
}

/// The caller, the order, and whether the caller may read it.
fn load(state: &Shared, headers: &HeaderMap, id: &str) -> Result<(Caller, Value, bool), Box<Response>> {
    let caller = caller(state, headers)?;
    let order = state.inner.lock().unwrap().orders.get(id).cloned().ok_or_else(|| Box::new(refuse(state, 404)))?;
    let same_tenant = order["tenant"] == caller.tenant.as_str();
    let staff = caller.has("support") || caller.has("admin");
    let may = order["owner"] == caller.sub.as_str() || (staff && same_tenant);
    Ok((caller, order, may))
}

async fn read(State(state): Shop, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let (caller, mut order, may) = match load(&state, &headers, &id) {
        Ok(loaded) => loaded,
        Err(refused) => return *refused,
    };
    let staff = caller.has("support") || caller.has("admin");
    if !(may || state.is("object-read") || state.is("tenant-read") && staff) {
        return refuse(&state, 404);
    }
    if staff || state.is("property-read") {
        order["margin"] = json!(7);
    }
    answer(&state, order)
}

async fn update(State(state): Shop, headers: HeaderMap, Path(id): Path<String>, Json(body): Json<Value>) -> Response {
    let (caller, mut order, may) = match load(&state, &headers, &id) {
        Ok(loaded) => loaded,
        Err(refused) => return *refused,
    };
    if order["owner"] != caller.sub.as_str() && !state.is("object-write") {
        if state.is("no-effect-200") {
            return answer(&state, json!({"id": id, "item": body["item"]}));
        }
        return refuse(&state, if may { 403 } else { 404 });
    }
    if let Some(item) = body.get("item") {
        order["item"] = item.clone();
    }
    if state.is("mass-assign-update") {
        assign(&mut order, &body);
    }
    state.inner.lock().unwrap().orders.insert(id, order.clone());
    answer(&state, order)
}

async fn remove(State(state): Shop, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let (caller, _, may) = match load(&state, &headers, &id) {
        Ok(loaded) => loaded,
        Err(refused) => return *refused,
    };
    if !may || !(caller.has("admin") || state.is("function-delete")) {
        return refuse(&state, if may { 403 } else { 404 });
    }
    state.inner.lock().unwrap().orders.remove(&id);
    if state.is("fail-200") { answer(&state, json!({"gone": id})) } else { StatusCode::NO_CONTENT.into_response() }
}

async fn refund(State(state): Shop, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let (caller, mut order, may) = match load(&state, &headers, &id) {
        Ok(loaded) => loaded,
        Err(refused) => return *refused,
    };
    let staff = caller.has("support") || caller.has("admin");
    if !may || !(staff || state.is("function-refund")) {
        return refuse(&state, if may { 403 } else { 404 });
    }
    order["status"] = json!("refunded");
    state.inner.lock().unwrap().orders.insert(id, order.clone());
    answer(&state, order)
}

async fn export(State(state): Shop, headers: HeaderMap) -> Response {
    let caller = match caller(&state, &headers) {
        Ok(caller) => caller,
        Err(refused) => return *refused,
    };
    let claimed = state.is("forged-claims") && caller.claimed.iter().any(|role| role == "admin");
    let mut inner = state.inner.lock().unwrap();
    let remembered = !inner.seen.insert(format!("export {}", caller.sub)) && state.is("stale-role");
    if !(caller.has("admin") || claimed || remembered || state.is("function-export")) {
        inner.seen.remove(&format!("export {}", caller.sub));
        drop(inner);
        return refuse(&state, 403);
    }
    let orders: Value =
        inner.orders.values().filter(|order| order["tenant"] == caller.tenant.as_str()).cloned().collect();
    drop(inner);
    answer(&state, orders)
}
