//! Each fault of the catalogue, made once, in its exact shape, and gone afterwards.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::world::{API, CALLBACK, CONTROL, ISSUER, World, authorization_path, part};

const FAULTS: &str = "/control/v1/faults";
const NOW: i64 = 1_800_000_000;

async fn order(world: &World, order: Value) {
    let answer = world.control("POST", FAULTS, order.clone()).await;
    assert_eq!(answer.status, 201, "{order}: {}", answer.text());
}

/// An ID token with this fault, and a sound one of the same provider.
async fn id_token(name: &str) -> (World, String, Value) {
    let world = World::new();
    order(&world, json!({"name": name, "times": 1})).await;
    let token = world.tokens().await.string("id_token");
    let sound = world.tokens().await.string("id_token");
    assert!(verifies(&world, &sound).await, "{name}: only one was ordered");
    let claims = part(&token, 1);
    (world, token, claims)
}

/// Whether a published key of the token's own name and of the algorithm we register signed it.
async fn verifies(world: &World, token: &str) -> bool {
    let keys: JwkSet = serde_json::from_slice(&world.get("/jwks").await.body).unwrap();
    let header = part(token, 0);
    let Some(key) = header["kid"].as_str().and_then(|kid| keys.find(kid)) else { return false };
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &validation).is_ok()
}

#[tokio::test]
async fn each_fault_in_the_claims_changes_just_that_claim_and_the_signature_holds() {
    for (name, claim, expected) in [
        ("invalid-iss", "iss", json!("https://attacker.example")),
        ("missing-iss", "iss", Value::Null),
        ("invalid-aud", "aud", json!("somebody-else")),
        ("missing-aud", "aud", Value::Null),
        ("invalid-azp", "azp", json!("somebody-else")),
        ("missing-azp", "aud", json!(["web", "somebody-else"])),
        ("missing-sub", "sub", Value::Null),
        ("expired", "exp", json!(NOW - 3_600)),
        ("missing-exp", "exp", Value::Null),
        ("invalid-iat", "iat", json!(NOW + 86_400)),
        ("missing-iat", "iat", Value::Null),
        ("invalid-nonce", "nonce", json!("somebody-else")),
        ("missing-nonce", "nonce", Value::Null),
        ("invalid-at-hash", "at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("missing-at-hash", "at_hash", Value::Null),
        ("invalid-acr", "acr", json!("0")),
        ("old-auth-time", "auth_time", json!(NOW - 86_400)),
    ] {
        let (world, token, claims) = id_token(name).await;
        assert_eq!(claims[claim], expected, "{name}");
        assert!(verifies(&world, &token).await, "{name}: the signature is not what is wrong");
        let untouched = ["iss", "sub", "nonce", "at_hash"].into_iter().filter(|other| *other != claim);
        for other in untouched {
            assert!(claims[other].is_string(), "{name} must leave `{other}` alone");
        }
    }
}

#[tokio::test]
async fn each_fault_in_the_signature_leaves_the_claims_and_does_not_verify() {
    for (name, alg, has_kid) in [
        ("idtoken-sig-none", "none", false),
        ("idtoken-sig-hs256-public-key", "HS256", true),
        ("invalid-sig", "ES256", true),
        ("invalid-sig-other-key", "ES256", true),
        ("unknown-kid", "ES256", true),
        ("kid-absent-multiple-jwks", "ES256", false),
        ("idtoken-sig-other-alg", "EdDSA", true),
    ] {
        let (world, token, claims) = id_token(name).await;
        assert_eq!((&claims["iss"], &claims["nonce"]), (&json!(ISSUER), &json!("the-nonce")), "{name}");
        let header = part(&token, 0);
        assert_eq!((&header["alg"], header["kid"].is_string()), (&json!(alg), has_kid), "{name}");
        assert!(!verifies(&world, &token).await, "{name}");
        assert_eq!(token.ends_with('.'), name == "idtoken-sig-none", "{name}");
    }
}

#[tokio::test]
async fn a_confused_verifier_takes_the_published_key_for_the_secret_of_hs256() {
    let (world, token, _) = id_token("idtoken-sig-hs256-public-key").await;
    let keys = world.get("/jwks").await.json();
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(keys["keys"][0][name].as_str().unwrap()).unwrap();
    // RFC 5480: the fixed head of a P-256 SubjectPublicKeyInfo, then the uncompressed point.
    let head = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
    let mut der: Vec<u8> =
        (0..head.len()).step_by(2).map(|at| u8::from_str_radix(&head[at..at + 2], 16).unwrap()).collect();
    der.push(4);
    der.extend(coordinate("x"));
    der.extend(coordinate("y"));
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&["web"]);
    validation.validate_exp = false;
    decode::<Value>(&token, &DecodingKey::from_secret(pem.as_bytes()), &validation).unwrap();
}

#[tokio::test]
async fn with_the_kid_absent_several_keys_of_the_algorithm_are_published_until_the_fault_is_taken_back() {
    let (world, _, _) = id_token("kid-absent-multiple-jwks").await;
    let published = async || world.get("/jwks").await.json()["keys"].as_array().unwrap().len();
    assert_eq!(published().await, 2);
    world.control("DELETE", FAULTS, json!(null)).await;
    assert_eq!(published().await, 1);
}

#[tokio::test]
async fn each_fault_around_the_tokens_changes_just_that_member() {
    for (name, member, expected) in [
        ("id-token-missing", "id_token", Value::Null),
        ("invalid-token-type", "token_type", json!("N_A")),
        ("missing-token-type", "token_type", Value::Null),
        ("missing-access-token", "access_token", Value::Null),
        ("scope-changed", "scope", json!("everything")),
    ] {
        let world = World::new();
        order(&world, json!({"name": name, "times": 1})).await;
        let (broken, sound) = (world.tokens().await, world.tokens().await);
        assert_eq!((broken.status.as_u16(), &broken.json()[member]), (200, &expected), "{name}");
        assert_ne!(sound.json()[member], expected, "{name}");
        assert!(broken.json()["refresh_token"].is_string() && broken.json()["expires_in"] == 300, "{name}");
    }
}

#[tokio::test]
async fn each_fault_in_the_authorization_response_changes_just_that_parameter() {
    for (name, code, state, iss) in [
        ("missing-state", true, None, Some(ISSUER)),
        ("invalid-state", true, Some("somebody-else"), Some(ISSUER)),
        ("invalid-response-iss", true, Some("the-state"), Some("https://attacker.example")),
        ("missing-response-iss", true, Some("the-state"), None),
        ("missing-code", false, Some("the-state"), Some(ISSUER)),
    ] {
        let world = World::new();
        order(&world, json!({"name": name, "times": 1})).await;
        let answer = world.authorize(&[]).await;
        assert!(answer.header("location").starts_with(CALLBACK), "{name}");
        assert_eq!(answer.sent("code").is_some(), code, "{name}");
        assert_eq!((answer.sent("state").as_deref(), answer.sent("iss").as_deref()), (state, iss), "{name}");
        assert_eq!(world.authorize(&[]).await.sent("state").as_deref(), Some("the-state"), "{name}");
    }
}

#[tokio::test]
async fn a_callback_can_come_with_everything_twice_or_be_the_one_before() {
    let world = World::new();
    order(&world, json!({"name": "duplicate-callback-parameters", "times": 1})).await;
    let location = world.authorize(&[]).await.header("location").to_owned();
    assert_eq!((location.matches("code=").count(), location.matches("state=").count()), (2, 2));

    order(&world, json!({"name": "replayed-callback", "times": 2})).await;
    let first = world.authorize(&[("state", "one")]).await.header("location").to_owned();
    let second = world.authorize(&[("state", "two")]).await.header("location").to_owned();
    assert!(second.contains("state=one") || first == second, "{first} {second}");
}

#[tokio::test]
async fn a_redirect_loop_sends_the_browser_to_where_it_was_as_often_as_ordered() {
    let world = World::new();
    order(&world, json!({"name": "redirect-loop", "times": 2})).await;
    let path = authorization_path(&[]);
    for _ in 0..2 {
        let answer = world.get(&path).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, format!("{ISSUER}{path}").as_str()));
    }
    assert!(world.get(&path).await.sent("code").is_some());
}

#[tokio::test]
async fn each_fault_of_metadata_keys_and_userinfo_has_its_shape() {
    let world = World::new();
    let token = world.tokens().await.string("access_token");
    for (name, path, member, expected) in [
        ("discovery-issuer-mismatch", "/.well-known/openid-configuration", "issuer", json!("https://attacker.example")),
        (
            "discovery-issuer-mismatch",
            "/.well-known/oauth-authorization-server",
            "issuer",
            json!("https://attacker.example"),
        ),
        ("discovery-jwks-uri-missing", "/.well-known/openid-configuration", "jwks_uri", Value::Null),
        ("jwks-empty", "/jwks", "keys", json!([])),
    ] {
        order(&world, json!({"name": name, "times": 1})).await;
        assert_eq!(world.get(path).await.json()[member], expected, "{name}");
        assert_ne!(world.get(path).await.json()[member], expected, "{name}");
    }
    order(&world, json!({"name": "jwks-unreachable", "times": 1})).await;
    assert_eq!((world.get("/jwks").await.status.as_u16(), world.get("/jwks").await.status.as_u16()), (503, 200));
    for (name, expected) in [("userinfo-invalid-sub", json!("somebody-else")), ("userinfo-missing-sub", Value::Null)] {
        order(&world, json!({"name": name, "times": 1})).await;
        assert_eq!(world.userinfo(&token).await.json()["sub"], expected, "{name}");
        assert_eq!(world.userinfo(&token).await.json()["sub"], "alice");
    }
}

#[tokio::test]
async fn each_fault_on_the_way_has_its_shape_and_nothing_is_done_where_nothing_is_answered() {
    for (name, status, retry) in
        [("server-error", 500, ""), ("service-unavailable", 503, "1"), ("too-many-requests", 429, "1")]
    {
        let world = World::new();
        let code = world.code().await;
        order(&world, json!({"name": name, "endpoint": "/token", "times": 1})).await;
        assert_eq!(world.get("/jwks").await.status, 200, "another endpoint");
        let answer = world.redeem(&code, &[]).await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (status, retry), "{name}");
        assert_eq!(world.redeem(&code, &[]).await.status, 200, "{name}: the code was not used up");
    }
    let world = World::new();
    order(&world, json!({"name": "malformed-json", "endpoint": "/jwks", "times": 1})).await;
    let answer = world.get("/jwks").await;
    assert!(answer.status == 200 && serde_json::from_slice::<Value>(&answer.body).is_err());
    order(&world, json!({"name": "invalid-content-type", "endpoint": "/jwks", "times": 1})).await;
    assert_eq!(world.get("/jwks").await.header("content-type"), "text/html");
    assert_eq!(world.get("/jwks").await.header("content-type"), "application/json");
}

#[tokio::test]
async fn a_reset_connection_breaks_in_the_middle_of_the_answer() {
    let world = World::new();
    order(&world, json!({"name": "connection-reset", "times": 1})).await;
    let request = Request::get("/jwks").header("host", "localhost:9400").body(Body::empty()).unwrap();
    let response = world.app().oneshot(request).await.unwrap();
    assert!(to_bytes(response.into_body(), usize::MAX).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_takes_as_long_as_ordered_and_is_right() {
    let world = World::new();
    order(&world, json!({"name": "slow", "delay_ms": 2_500, "times": 1})).await;
    let begin = tokio::time::Instant::now();
    assert_eq!(world.get("/.well-known/openid-configuration").await.json()["issuer"], ISSUER);
    assert_eq!(begin.elapsed().as_millis(), 2_500);
}

#[tokio::test]
async fn a_fault_is_for_its_client_and_its_state_only() {
    let world = World::new();
    order(&world, json!({"name": "invalid-iss", "client_id": "other"})).await;
    order(&world, json!({"name": "invalid-nonce", "state": "special"})).await;
    let sound = part(&world.tokens().await.string("id_token"), 1);
    assert_eq!((&sound["iss"], &sound["nonce"]), (&json!(ISSUER), &json!("the-nonce")));
    let code = world.authorize(&[("state", "special")]).await.sent("code").unwrap();
    let special = part(&world.redeem(&code, &[]).await.string("id_token"), 1);
    assert_eq!((&special["iss"], &special["nonce"]), (&json!(ISSUER), &json!("somebody-else")));
    let callback = "http://localhost:8081/callback";
    let code = world.authorize(&[("client_id", "other"), ("redirect_uri", callback)]).await.sent("code").unwrap();
    let other = world.redeem(&code, &[("client_id", "other"), ("redirect_uri", callback)]).await;
    assert_eq!(part(&other.string("id_token"), 1)["iss"], "https://attacker.example");
}

#[tokio::test]
async fn a_fault_of_one_subject_strikes_only_who_asks_about_a_token_of_theirs_jwt_or_opaque() {
    for world in [World::new(), World::opaque()] {
        let alices = world.tokens().await.string("access_token");
        let code = world.authorize(&[("login_hint", "bob")]).await.sent("code").unwrap();
        let bobs = world.redeem(&code, &[]).await.string("access_token");
        order(&world, json!({"name": "service-unavailable", "sub": "alice"})).await;
        order(&world, json!({"name": "userinfo-missing-sub", "sub": "bob"})).await;
        let asked = async |token: &str| world.post("/introspect", &[("token", token)], Some(API)).await;
        assert_eq!((asked(&alices).await.status.as_u16(), world.userinfo(&alices).await.status.as_u16()), (503, 503));
        assert_eq!(asked(&bobs).await.json()["sub"], "bob");
        let claims = world.userinfo(&bobs).await;
        assert_eq!((claims.status.as_u16(), &claims.json()["sub"]), (200, &Value::Null));
        assert_eq!(asked("no-token-of-anybody").await.json(), json!({"active": false}));
        assert_eq!(world.get("/jwks").await.status, 200, "a request about no token");
        world.tokens().await;

        let list = world.control("GET", FAULTS, json!(null)).await.json();
        let seen: Vec<_> = [0, 1].map(|at| (&list["faults"][at]["sub"], &list["faults"][at]["used"])).into();
        assert_eq!(seen, [(&json!("alice"), &json!(2)), (&json!("bob"), &json!(1))]);
    }
}

#[tokio::test]
async fn a_fault_of_one_subject_believes_what_a_jwt_says_and_takes_a_token_bound_by_dpop_as_well() {
    let world = World::new();
    order(&world, json!({"name": "server-error", "endpoint": "/introspect", "sub": "alice", "times": 1})).await;
    let forged = format!("{}.{}.AA", URL_SAFE_NO_PAD.encode("{}"), URL_SAFE_NO_PAD.encode(r#"{"sub":"alice"}"#));
    let asked = async || world.post("/introspect", &[("token", &forged)], Some(API)).await.status.as_u16();
    assert_eq!((asked().await, asked().await), (500, 200));

    order(&world, json!({"name": "server-error", "sub": "alice"})).await;
    let request = Request::get("/userinfo").header("authorization", format!("DPoP {forged}"));
    assert_eq!(world.send(request.body(Body::empty()).unwrap()).await.status, 500);
}

#[tokio::test]
async fn a_fault_of_one_subject_that_could_strike_no_request_is_refused() {
    let world = World::new();
    for order in [
        json!({"name": "invalid-iss", "sub": "alice"}),
        json!({"name": "jwks-empty", "sub": "alice"}),
        json!({"name": "redirect-loop", "sub": "alice"}),
        json!({"name": "slow", "sub": "alice", "endpoint": "/token"}),
    ] {
        let answer = world.control("POST", FAULTS, order.clone()).await;
        assert_eq!(answer.error(), "400 invalid_request", "{order}");
        assert!(answer.text().contains("/introspect or /userinfo"), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_fault_for_a_duration_ends_with_the_issuers_clock() {
    let world = World::new();
    order(&world, json!({"name": "jwks-empty", "seconds": 60})).await;
    assert_eq!(world.get("/jwks").await.json()["keys"], json!([]));
    world.clock.advance(60);
    assert_ne!(world.get("/jwks").await.json()["keys"], json!([]));
}

#[tokio::test]
async fn a_name_that_there_is_not_is_refused_with_those_that_there_are() {
    let world = World::new();
    let answer = world.control("POST", FAULTS, json!({"name": "wrong-iss"})).await;
    assert_eq!(answer.error(), "400 invalid_request");
    assert!(answer.text().contains("invalid-iss"), "{}", answer.text());
    for order in [
        json!({"name": "slow", "times": 0}),
        json!({"name": "slow", "seconds": -1}),
        json!({"name": "slow", "client_id": "nobody"}),
        json!({"name": "slow", "issuer": "http://other"}),
        json!({"name": "slow", "time": 1}),
        json!({}),
    ] {
        assert_eq!(world.control("POST", FAULTS, order.clone()).await.error(), "400 invalid_request", "{order}");
    }
}

#[tokio::test]
async fn ordered_faults_are_listed_counted_taken_back_one_by_one_and_by_a_reset() {
    let world = World::new();
    order(&world, json!({"name": "jwks-empty"})).await;
    order(&world, json!({"name": "slow", "endpoint": "/token"})).await;
    world.get("/jwks").await;
    let list = world.control("GET", FAULTS, json!(null)).await.json();
    assert_eq!((&list["faults"][0]["name"], &list["faults"][0]["used"]), (&json!("jwks-empty"), &json!(1)));
    let first = format!("{FAULTS}/{}", list["faults"][0]["id"]);
    assert_eq!(world.control("DELETE", &first, json!(null)).await.status, 204);
    assert_eq!(world.control("DELETE", &first, json!(null)).await.status, 404);
    assert_ne!(world.get("/jwks").await.json()["keys"], json!([]));
    world.control("POST", "/control/v1/reset", json!(null)).await;
    assert_eq!(world.control("GET", FAULTS, json!(null)).await.json()["faults"], json!([]));
}

#[tokio::test]
async fn every_fault_of_the_catalogue_is_made_by_a_test_here() {
    let catalogue = World::new().control("GET", &format!("{FAULTS}/catalogue"), json!(null)).await.json();
    let tests = include_str!("faults.rs");
    let faults = catalogue["faults"].as_array().unwrap();
    assert!(faults.len() >= 45, "{}", faults.len());
    for fault in faults {
        let name = fault["name"].as_str().unwrap();
        assert!(tests.contains(&format!("\"{name}\"")), "{name}");
        assert!(fault["does"].is_string() && fault["clause"].is_string() && fault["stage"].is_string());
    }
    assert!(!CONTROL.is_empty());
}

#[tokio::test]
async fn the_journal_says_which_answers_were_broken_on_purpose() {
    let world = World::new();
    order(&world, json!({"name": "invalid-iss", "times": 1})).await;
    world.tokens().await;
    let journal = world.control("GET", "/control/v1/journal?path=/token", json!(null)).await.json();
    assert_eq!(journal["entries"][0]["faults"], json!(["invalid-iss"]));
}
