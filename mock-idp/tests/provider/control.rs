//! The control API: what it makes, and who may not use it.

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::world::{CONTROL, ISSUER, World, control_request, part};

const TOKENS: &str = "/control/v1/tokens";

#[tokio::test]
async fn a_minted_token_is_like_a_granted_one() {
    for world in [World::new(), World::opaque()] {
        let answer = world.control("POST", TOKENS, json!({"persona": "carol"})).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["expires_in"]), (201, &json!(300)));
        let about = world.introspect(&answer.string("access_token")).await;
        assert_eq!(
            (&about["sub"], &about["jti"], &about["active"]),
            (&json!("carol"), &answer.json()["jti"], &json!(true))
        );
        assert_eq!((&about["client_id"], &about["aud"]), (&json!("backend"), &json!("orders-api")));
    }
}

#[tokio::test]
async fn claims_and_headers_are_set_over_the_usual_ones_and_null_removes() {
    let world = World::new();
    let order = json!({
        "client_id": "web", "audience": "a", "scope": "s", "lifetime_seconds": 10,
        "claims": {"roles": ["admin"], "tenant": null, "extra": {"deep": 1}},
        "header": {"typ": null, "kid": "other"}
    });
    let token = world.mint(order).await;
    let (header, claims) = (part(&token, 0), part(&token, 1));
    assert_eq!((&header["typ"], &header["kid"], &header["alg"]), (&Value::Null, &json!("other"), &json!("ES256")));
    assert_eq!(
        (&claims["roles"], &claims["tenant"], &claims["extra"]),
        (&json!(["admin"]), &Value::Null, &json!({"deep": 1}))
    );
    assert_eq!((&claims["client_id"], &claims["aud"], &claims["scope"]), (&json!("web"), &json!("a"), &json!("s")));
    assert_eq!(claims["exp"], json!(1_800_000_010));
}

#[tokio::test]
async fn each_broken_token_is_inactive_and_its_sound_twin_is_active() {
    let world = World::new();
    for order in [
        json!({"signature": "other_key"}),
        json!({"lifetime_seconds": -1}),
        json!({"lifetime_seconds": 0}),
        json!({"header": {"alg": "none"}}),
        json!({"header": {"alg": "HS256"}}),
        json!({"header": {"alg": null}}),
        json!({"header": {"typ": "JWT"}}),
        json!({"header": {"typ": null}}),
        json!({"header": {"kid": "other"}}),
        json!({"header": {"kid": null}}),
        json!({"header": {"kid": ["a"]}}),
        json!({"header": {"crit": ["exp"]}}),
        json!({"claims": {"iss": "http://attacker.example"}}),
        json!({"claims": {"iss": null}}),
        json!({"claims": {"exp": null}}),
        json!({"claims": {"exp": "1900000000"}}),
        json!({"claims": {"aud": null}}),
        json!({"claims": {"jti": null}}),
        json!({"claims": {"sub": null}}),
        json!({"claims": {"sub": "ALICE"}}),
        json!({"claims": {"sub": "alice "}}),
        json!({"claims": {"sub": ["alice"]}}),
        json!({"claims": {"sub": "nobody"}}),
        json!({"claims": {"client_id": null}}),
        json!({"claims": {"nbf": 1_800_000_001}}),
    ] {
        let token = world.mint(order.clone()).await;
        assert_eq!(world.introspect(&token).await, json!({"active": false}), "{order}");
    }
    for order in [
        json!({}),
        json!({"claims": {"extra": 1}}),
        json!({"signature": "valid"}),
        json!({"claims": {"aud": ["a", "b"]}}),
    ] {
        let token = world.mint(order.clone()).await;
        assert!(world.is_active(&token).await, "{order}");
    }
}

#[tokio::test]
async fn an_expired_token_was_issued_before_it_expired() {
    let claims = part(&World::new().mint(json!({"lifetime_seconds": -60})).await, 1);
    assert!(claims["iat"].as_i64() < claims["exp"].as_i64());
}

#[tokio::test]
async fn raised_roles_in_a_token_do_not_reach_introspection() {
    let world = World::new();
    let token = world.mint(json!({"claims": {"roles": ["admin"], "tenant": "globex"}})).await;
    let answer = world.introspect(&token).await;
    assert_eq!((&answer["roles"], &answer["tenant"]), (&json!(["customer"]), &json!("acme")));
}

#[tokio::test]
async fn an_order_that_makes_no_sense_is_refused() {
    let world = World::new();
    for order in [
        json!({}),
        json!({"persona": "nobody"}),
        json!({"persona": ".."}),
        json!({"persona": "alice", "client_id": "nobody"}),
        json!({"persona": "alice", "lifetime": 5}),
        json!({"persona": "alice", "signature": "bad"}),
        json!([]),
    ] {
        assert_eq!(world.control("POST", TOKENS, order.clone()).await.error(), "400 invalid_request", "{order}");
    }
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let mut request = control_request("POST", TOKENS, &json!(null));
    *request.body_mut() = Body::from(format!("{{\"persona\": \"alice\", \"claims\": {{\"a\": {deep}}}}}"));
    assert_eq!(world.send(request).await.error(), "400 invalid_request");
    let order = json!({"persona": "alice", "signature": "other_key"});
    assert_eq!(World::opaque().control("POST", TOKENS, order).await.error(), "400 invalid_request");
}

const CALLS: [(&str, &str); 4] = [
    ("POST", TOKENS),
    ("DELETE", "/control/v1/sessions/alice"),
    ("GET", "/control/v1/journal"),
    ("POST", "/control/v1/reset"),
];

async fn refusals(world: &World, name: &str, value: &str) -> Vec<String> {
    let mut errors = Vec::new();
    for (method, path) in CALLS {
        let mut request = control_request(method, path, &json!({"persona": "alice"}));
        let headers = request.headers_mut();
        headers.remove(name.parse::<axum::http::HeaderName>().unwrap());
        if !value.is_empty() {
            headers.insert(name.parse::<axum::http::HeaderName>().unwrap(), value.parse().unwrap());
        }
        errors.push(world.send(request).await.error());
    }
    errors
}

#[tokio::test]
async fn the_control_api_is_closed_without_its_token_or_with_another() {
    let world = World::new();
    assert_eq!(refusals(&world, "authorization", "").await, ["401 -"; 4]);
    for token in ["Bearer wrong", "Bearer", "Basic Y29udHJvbA==", CONTROL, &format!("Bearer {CONTROL}x")] {
        assert_eq!(refusals(&world, "authorization", token).await, ["401 invalid_token"; 4], "{token}");
    }
    let access_token = world.tokens().await.string("access_token");
    assert_eq!(refusals(&world, "authorization", &format!("Bearer {access_token}")).await, ["401 invalid_token"; 4]);
}

#[tokio::test]
async fn the_control_api_is_closed_under_a_foreign_host_name() {
    let world = World::new();
    for host in ["attacker.example", "attacker.example:9400", "localhost.attacker.example:9400", "10.0.0.1", ""] {
        assert_eq!(refusals(&world, "host", host).await, ["403 access_denied"; 4], "{host}");
    }
    for host in ["127.0.0.1:9400", "[::1]:9400", "idp:9400", "localhost:1"] {
        let mut request = control_request("POST", TOKENS, &json!({"persona": "alice"}));
        request.headers_mut().insert("host", host.parse().unwrap());
        assert_eq!(world.send(request).await.status, 201, "{host}");
    }
}

#[tokio::test]
async fn the_control_api_is_closed_to_pages_of_a_foreign_origin() {
    let world = World::new();
    for origin in ["http://attacker.example", "null", "http://localhost:8080", "https://localhost:9400"] {
        assert_eq!(refusals(&world, "origin", origin).await, ["403 access_denied"; 4], "{origin}");
    }
    let mut request = control_request("POST", TOKENS, &json!({"persona": "alice"}));
    request.headers_mut().insert("origin", ISSUER.parse().unwrap());
    assert_eq!(world.send(request).await.status, 201);
}

#[tokio::test]
async fn a_provider_without_a_control_token_has_no_control_api() {
    let world = World::without_control();
    for (method, path) in CALLS {
        assert_eq!(world.control(method, path, json!({"persona": "alice"})).await.status, 404);
    }
}

#[tokio::test]
async fn the_journal_tells_what_happened_and_holds_no_secret() {
    let world = World::new();
    let code = world.code().await;
    let tokens = world.redeem(&code, &[]).await;
    world.redeem(&code, &[]).await;
    world.post("/token", &[("grant_type", "client_credentials")], Some(("backend", "wrong-secret"))).await;
    world.introspect(&tokens.string("access_token")).await;
    let journal = world.control("GET", "/control/v1/journal", json!(null)).await;
    let body = journal.json();
    let seen: Vec<String> = (body["entries"].as_array().unwrap().iter())
        .map(|entry| {
            format!("{} {} {} {}", entry["method"], entry["path"], entry["status"], entry["outcome"]).replace('"', "")
        })
        .collect();
    assert_eq!(
        seen,
        [
            "GET /authorize 303 code issued",
            "POST /token 200 tokens issued",
            "POST /token 400 invalid_grant",
            "POST /token 401 invalid_client",
            "POST /introspect 200 inactive",
        ]
    );
    assert_eq!(body["entries"][1]["client_id"], "web");
    assert_eq!(body["entries"][1]["subject"], "alice");
    assert!(body["entries"][2]["reason"].as_str().unwrap().contains("used before"));
    let secrets = [tokens.string("access_token"), tokens.string("refresh_token"), tokens.string("id_token"), code];
    for secret in
        secrets.iter().map(String::as_str).chain([crate::world::VERIFIER, "wrong-secret", CONTROL, "the-state"])
    {
        assert!(!journal.text().contains(secret));
    }
}

#[tokio::test]
async fn a_reset_forgets_tokens_codes_sessions_and_journal_but_keeps_the_key() {
    let world = World::new();
    let (tokens, code, keys) = (world.tokens().await, world.code().await, world.get("/jwks").await.text());
    world.control("DELETE", "/control/v1/sessions/bob", json!(null)).await;
    assert_eq!(world.control("POST", "/control/v1/reset", json!(null)).await.status, 204);
    assert!(!world.is_active(&tokens.string("access_token")).await);
    assert_eq!(world.redeem(&code, &[]).await.error(), "400 invalid_grant");
    assert_eq!(world.get("/jwks").await.text(), keys);
    assert_eq!(world.tokens().await.status, 200);
}

#[tokio::test]
async fn a_minting_order_that_is_not_declared_json_is_refused() {
    let world = World::new();
    let request = Request::post(TOKENS)
        .header("host", "localhost:9400")
        .header("authorization", format!("Bearer {CONTROL}"))
        .header("content-type", "text/plain")
        .body(Body::from(r#"{"persona": "alice"}"#));
    assert_eq!(world.send(request.unwrap()).await.error(), "400 invalid_request");
}

#[tokio::test]
async fn an_expired_token_stays_expired_when_a_younger_one_shares_its_jti() {
    let world = World::new();
    let old = world.mint(json!({"claims": {"jti": "shared"}, "lifetime_seconds": 10})).await;
    let young = world.mint(json!({"claims": {"jti": "shared"}})).await;
    world.clock.advance(10);
    assert_eq!(world.introspect(&old).await, json!({"active": false}));
    assert!(world.is_active(&young).await);
}

#[tokio::test]
async fn a_payload_is_signed_as_it_is_written_and_is_the_whole_claims_set() {
    let world = World::new();
    let now = 1_800_000_000;
    let text = format!(
        r#"{{ "iss":"{ISSUER}","aud":"orders-api","exp":{},"iat":{now},"jti":"once","client_id":"web","sub":"alice" }}"#,
        now + 60
    );
    let token = world.mint(json!({"payload": text})).await;
    assert_eq!(URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap(), text.as_bytes());
    assert!(world.is_active(&token).await);
    let doubled = text.replace(r#""sub":"alice""#, r#""sub":"alice","sub":"carol""#);
    let token = world.mint(json!({"payload": doubled})).await;
    assert!(!world.is_active(&token).await, "a doubled member is no claims set (RFC 7519 section 4)");
    assert_eq!(world.mint(json!({"payload": "no JSON"})).await.split('.').nth(1), Some("bm8gSlNPTg"));

    for order in [json!({"payload": text, "claims": {"sub": "bob"}}), json!({"payload": text, "broken": "alg-none"})] {
        let mut whole = json!({"persona": "alice"});
        whole.as_object_mut().unwrap().extend(order.as_object().unwrap().clone());
        let answer = world.control("POST", "/control/v1/tokens", whole).await;
        assert_eq!(answer.error(), "400 invalid_request", "{order}");
    }
    let order = json!({"persona": "alice", "payload": text});
    let answer = World::opaque().control("POST", "/control/v1/tokens", order).await;
    assert_eq!(answer.error(), "400 invalid_request", "an opaque token has no payload");
}
