//! The endpoints of the laboratory's provider.

use std::sync::Arc;

use aws_lc_rs::signature::KeyPair;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Json, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use serde_json::{Value, json};

use crate::provider::{DEVICE, Fields, Kept, Provider, Refusal, bad, clients};
use crate::redirects;

type Shared = State<Arc<Provider>>;

pub(crate) async fn metadata(State(provider): Shared) -> Json<Value> {
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
        document["pushed_authorization_request_endpoint"] = json!(at("/par"));
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

pub(crate) async fn jwks(State(provider): Shared) -> Json<Value> {
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

pub(crate) async fn push(State(provider): Shared, headers: HeaderMap, Form(mut fields): Form<Fields>) -> Response {
    let client = match provider.authenticate(&headers, &fields) {
        Ok(client) => client,
        Err(refusal) => return provider.answer(Err(refusal)),
    };
    fields.insert("client_id".into(), client);
    let mut memory = provider.memory.lock().unwrap();
    let reference = format!("urn:ietf:params:oauth:request_uri:{}", provider.name(&mut memory, "pushed"));
    memory.pushed.insert(reference.clone(), fields);
    (StatusCode::CREATED, Json(json!({"request_uri": reference, "expires_in": 60}))).into_response()
}

pub(crate) async fn authorize(State(provider): Shared, Query(outside): Query<Fields>) -> Response {
    let pushed = outside.get("request_uri").and_then(|uri| provider.memory.lock().unwrap().pushed.remove(uri));
    let fields = pushed.unwrap_or(outside);
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
        "state trimmed to words" => {
            text("state").chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_').collect()
        }
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

pub(crate) async fn token(State(provider): Shared, headers: HeaderMap, Form(fields): Form<Fields>) -> Response {
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

pub(crate) async fn introspect(State(provider): Shared, headers: HeaderMap, Form(fields): Form<Fields>) -> Response {
    let caller = provider.authenticate(&headers, &fields);
    let public = caller.as_ref().is_ok_and(|id| clients()[id.as_str()].secret.is_none());
    if (caller.is_err() || public) && !provider.is("introspection for anybody") {
        return provider.answer(Err((StatusCode::UNAUTHORIZED, "invalid_client")));
    }
    let memory = provider.memory.lock().unwrap();
    let active = memory.access.get(fields.get("token").map_or("", String::as_str)).is_some_and(|kept| !kept.revoked);
    provider.answer(Ok(json!({"active": active})))
}

pub(crate) async fn revoke(State(provider): Shared, headers: HeaderMap, Form(fields): Form<Fields>) -> Response {
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

pub(crate) async fn device(State(provider): Shared, headers: HeaderMap, Form(fields): Form<Fields>) -> Response {
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

pub(crate) async fn approve(State(provider): Shared, Path(user): Path<String>, Json(order): Json<Value>) -> StatusCode {
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
