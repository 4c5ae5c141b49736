//! The token endpoint: what it gives, and what it refuses to give.

use axum::body::Body;
use axum::http::Request;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};

use crate::world::{API, BACKEND, CALLBACK, Credentials, Fields, ISSUER, World, part};

#[tokio::test]
async fn a_login_brings_an_rfc_9068_token_an_id_token_and_a_refresh_token() {
    let world = World::new();
    let answer = world.tokens().await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"));
    assert_eq!(answer.header("pragma"), "no-cache");
    let body = answer.json();
    assert_eq!(
        (&body["token_type"], &body["expires_in"], &body["scope"]),
        (&json!("Bearer"), &json!(300), &json!("openid orders:read"))
    );
    let token = answer.string("access_token");
    assert_eq!((&part(&token, 0)["typ"], &part(&token, 0)["alg"]), (&json!("at+jwt"), &json!("ES256")));
    let claims = part(&token, 1);
    let now = 1_800_000_000;
    for (name, value) in [
        ("iss", json!(ISSUER)),
        ("sub", json!("alice")),
        ("aud", json!("orders-api")),
        ("client_id", json!("web")),
        ("scope", json!("openid orders:read")),
        ("tenant", json!("acme")),
        ("roles", json!(["customer"])),
        ("iat", json!(now)),
        ("exp", json!(now + 300)),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert!(claims["jti"].is_string() && body["refresh_token"].is_string());
}

#[tokio::test]
async fn a_foreign_library_accepts_both_tokens_with_the_published_key() {
    let world = World::new();
    let answer = world.tokens().await;
    let keys: JwkSet = serde_json::from_slice(&world.get("/jwks").await.body).unwrap();
    for (member, audience) in [("access_token", "orders-api"), ("id_token", "web")] {
        let token = answer.string(member);
        let kid = part(&token, 0)["kid"].as_str().unwrap().to_owned();
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[audience]);
        validation.set_issuer(&[ISSUER]);
        validation.validate_exp = false;
        let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
        decode::<Value>(&token, &key, &validation).unwrap();
    }
}

#[tokio::test]
async fn an_id_token_is_tied_to_the_request_the_login_and_the_access_token() {
    let answer = World::new().tokens().await;
    let claims = part(&answer.string("id_token"), 1);
    assert_eq!(
        (&claims["nonce"], &claims["aud"], &claims["auth_time"]),
        (&json!("the-nonce"), &json!("web"), &json!(1_800_000_000))
    );
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, answer.string("access_token").as_bytes());
    let expected = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, &digest.as_ref()[..16]);
    assert_eq!(claims["at_hash"], json!(expected));
    assert!(claims["sid"].is_string());
}

#[tokio::test]
async fn without_the_scope_openid_there_is_no_id_token() {
    let world = World::new();
    let code = world.authorize(&[("scope", "orders:read")]).await.sent("code").unwrap();
    assert!(world.redeem(&code, &[]).await.json()["id_token"].is_null());
}

#[tokio::test]
async fn a_wrong_missing_or_short_verifier_is_refused_and_the_right_one_still_works() {
    let world = World::new();
    let code = world.code().await;
    let other = "x".repeat(43);
    for verifier in [other.as_str(), "", "short", crate::world::CHALLENGE] {
        assert_eq!(
            world.redeem(&code, &[("code_verifier", verifier)]).await.error(),
            "400 invalid_grant",
            "{verifier:?}"
        );
    }
    assert_eq!(world.redeem(&code, &[]).await.status, 200);
}

#[tokio::test]
async fn a_confidential_client_cannot_leave_the_verifier_out_either() {
    let world = World::new();
    let callback = "http://localhost:8082/callback";
    let code = world.authorize(&[("client_id", "backend"), ("redirect_uri", callback)]).await.sent("code").unwrap();
    let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", callback)];
    assert_eq!(world.post("/token", &form, Some(BACKEND)).await.error(), "400 invalid_grant");
}

#[tokio::test]
async fn a_reused_code_is_refused_and_takes_back_what_it_brought() {
    let world = World::new();
    let code = world.code().await;
    let first = world.redeem(&code, &[]).await;
    assert!(world.is_active(&first.string("access_token")).await);
    assert_eq!(world.redeem(&code, &[]).await.error(), "400 invalid_grant");
    assert!(!world.is_active(&first.string("access_token")).await);
    assert_eq!(world.refresh(&first.string("refresh_token"), &[]).await.error(), "400 invalid_grant");
}

#[tokio::test]
async fn a_garbage_code_is_refused() {
    let world = World::new();
    for code in ["garbage", "'; drop table codes; --", "\u{0}", &"A".repeat(43), &"A".repeat(10_000)] {
        assert_eq!(world.redeem(code, &[]).await.error(), "400 invalid_grant");
    }
    assert_eq!(world.redeem("", &[]).await.error(), "400 invalid_request");
}

#[tokio::test]
async fn an_expired_code_is_refused() {
    let world = World::new();
    let code = world.code().await;
    world.clock.advance(60);
    assert_eq!(world.redeem(&code, &[]).await.error(), "400 invalid_grant");
}

#[tokio::test]
async fn the_code_of_another_client_is_refused_and_stays_good_for_its_owner() {
    let world = World::new();
    let code = world.code().await;
    assert_eq!(world.redeem(&code, &[("client_id", "other")]).await.error(), "400 invalid_grant");
    assert_eq!(world.redeem(&code, &[]).await.status, 200);
}

#[tokio::test]
async fn another_redirect_uri_than_in_the_authorization_request_is_refused() {
    let world = World::new();
    let code = world.code().await;
    let slash = format!("{CALLBACK}/");
    for uri in ["http://localhost:8081/callback", "", slash.as_str()] {
        assert_eq!(world.redeem(&code, &[("redirect_uri", uri)]).await.error(), "400 invalid_grant", "{uri:?}");
    }
}

#[tokio::test]
async fn a_refresh_rotates_the_token_and_the_old_one_kills_the_family() {
    let world = World::new();
    let first = world.tokens().await;
    let second = world.refresh(&first.string("refresh_token"), &[]).await;
    assert_eq!(second.status, 200);
    assert_ne!(second.string("refresh_token"), first.string("refresh_token"));
    let id_token = part(&second.string("id_token"), 1);
    assert_eq!((&id_token["auth_time"], &id_token["nonce"]), (&json!(1_800_000_000), &Value::Null));

    assert_eq!(world.refresh(&first.string("refresh_token"), &[]).await.error(), "400 invalid_grant");
    assert_eq!(world.refresh(&second.string("refresh_token"), &[]).await.error(), "400 invalid_grant");
    for answer in [&first, &second] {
        assert!(!world.is_active(&answer.string("access_token")).await);
    }
}

#[tokio::test]
async fn a_grace_lets_a_lost_answer_be_asked_for_again_and_ends_by_its_first_use() {
    let world = World::from_text(&format!("{}refresh_token: {{ grace_seconds: 10 }}\n", crate::world::CONFIG));
    let first = world.tokens().await.string("refresh_token");
    let second = world.refresh(&first, &[]).await.string("refresh_token");
    world.clock.advance(6);
    let again = world.refresh(&first, &[]).await;
    assert_eq!(again.status, 200, "{}", again.text());
    assert_eq!(world.refresh(&first, &[("client_id", "other")]).await.error(), "400 invalid_grant");
    assert!(world.is_active(&again.string("access_token")).await);
    world.clock.advance(4);
    assert_eq!(world.refresh(&first, &[]).await.error(), "400 invalid_grant", "the second use prolongs nothing");
    for token in [second, again.string("refresh_token")] {
        assert_eq!(world.refresh(&token, &[]).await.error(), "400 invalid_grant", "the family is dead");
    }
}

#[tokio::test]
async fn a_refresh_token_of_another_client_and_a_garbage_one_are_refused() {
    let world = World::new();
    let token = world.tokens().await.string("refresh_token");
    assert_eq!(world.refresh(&token, &[("client_id", "other")]).await.error(), "400 invalid_grant");
    assert_eq!(world.refresh("garbage", &[]).await.error(), "400 invalid_grant");
    assert_eq!(world.refresh(&token, &[]).await.status, 200, "the owner is not harmed");
}

#[tokio::test]
async fn a_refresh_can_narrow_the_scope_but_not_widen_it() {
    let world = World::new();
    let token = world.tokens().await.string("refresh_token");
    assert_eq!(world.refresh(&token, &[("scope", "orders:write")]).await.error(), "400 invalid_scope");
    let narrow = world.refresh(&token, &[("scope", "orders:read")]).await;
    assert_eq!(narrow.string("scope"), "orders:read");
    let wide = world.refresh(&narrow.string("refresh_token"), &[]).await;
    assert_eq!(wide.string("scope"), "openid orders:read");
}

#[tokio::test]
async fn client_credentials_bring_a_token_of_the_client_without_refresh_token() {
    let world = World::new();
    let answer = world.post("/token", &[("grant_type", "client_credentials")], Some(BACKEND)).await;
    assert_eq!(answer.status, 200);
    let claims = part(&answer.string("access_token"), 1);
    assert_eq!(
        (&claims["sub"], &claims["client_id"], &claims["roles"]),
        (&json!("backend"), &json!("backend"), &Value::Null)
    );
    assert!(answer.json()["refresh_token"].is_null());
    assert!(world.is_active(&answer.string("access_token")).await);
}

#[tokio::test]
async fn each_wrong_way_to_be_a_client_is_refused_in_its_own_way() {
    let world = World::new();
    const GRANT: (&str, &str) = ("grant_type", "client_credentials");
    let cases: [(Fields, Credentials, &str); 9] = [
        (&[GRANT], Some(("backend", "wrong")), "401 invalid_client"),
        (&[GRANT], Some(("nobody", "backend-secret")), "401 invalid_client"),
        (&[GRANT, ("client_id", "backend")], None, "401 invalid_client"),
        (&[GRANT, ("client_id", "backend"), ("client_secret", "wrong")], None, "401 invalid_client"),
        (&[GRANT], None, "401 invalid_client"),
        (&[GRANT, ("client_secret", "backend-secret")], Some(BACKEND), "400 invalid_request"),
        (&[GRANT, ("client_id", "web")], Some(BACKEND), "400 invalid_request"),
        (&[GRANT, ("client_id", "web")], None, "400 unauthorized_client"),
        (&[GRANT], Some(API), "400 unauthorized_client"),
    ];
    for (form, basic, expected) in cases {
        let answer = world.post("/token", form, basic).await;
        assert_eq!(answer.error(), expected, "{form:?} {basic:?}");
        assert_eq!(answer.header("www-authenticate").is_empty(), answer.status != 401);
    }
}

#[tokio::test]
async fn malformed_token_requests_are_refused() {
    let world = World::new();
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[], "400 invalid_request"),
        (&[("grant_type", "password")], "400 unsupported_grant_type"),
        (&[("grant_type", "client_credentials"), ("grant_type", "client_credentials")], "400 invalid_request"),
        (&[("grant_type", "client_credentials"), ("scope", "admin")], "400 invalid_scope"),
        (&[("grant_type", "client_credentials"), ("scope", "openid")], "400 invalid_scope"),
        (&[("grant_type", "authorization_code")], "400 invalid_request"),
    ];
    for (form, expected) in cases {
        assert_eq!(world.post("/token", form, Some(BACKEND)).await.error(), expected, "{form:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_form_a_query_and_a_huge_body_are_refused() {
    let world = World::new();
    let send = |path: &'static str, kind: &'static str, body: Vec<u8>| {
        world.send(Request::post(path).header("content-type", kind).body(Body::from(body)).unwrap())
    };
    let form = "application/x-www-form-urlencoded";
    assert_eq!(send("/token", "application/json", b"{}".to_vec()).await.error(), "400 invalid_request");
    assert_eq!(send("/token?client_secret=x", form, Vec::new()).await.error(), "400 invalid_request");
    assert_eq!(send("/token", form, vec![b'a'; 300 * 1024]).await.status, 413);
    assert_eq!(send("/token", form, vec![0xff; 1024]).await.status, 401);
    assert_eq!(world.get("/token").await.status, 405);
}

#[tokio::test]
async fn two_authorization_headers_are_refused() {
    let request = Request::post("/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", "Basic YTpi")
        .header("authorization", "Basic YmFja2VuZDpiYWNrZW5kLXNlY3JldA==")
        .body(Body::from("grant_type=client_credentials"));
    assert_eq!(World::new().send(request.unwrap()).await.error(), "400 invalid_request");
}
