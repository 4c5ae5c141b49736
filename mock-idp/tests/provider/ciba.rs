//! Client-initiated backchannel authentication, where the client polls (OpenID Connect CIBA Core 1.0).

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::support::Answer;
use crate::world::{CONFIG, World, changed, encode, part};

const GRANT: &str = "urn:openid:params:grant-type:ciba";
const BANK: (&str, &str) = ("bank", "bank-secret");
const SHOP: (&str, &str) = ("shop", "shop-secret");

fn world() -> World {
    World::from_text(&format!(
        "{CONFIG}  bank: {{ secret: bank-secret, grants: [ciba, refresh_token], scopes: [\"orders:read\"] }}\n  \
         shop: {{ secret: shop-secret, grants: [ciba, device_code], scopes: [\"orders:read\"] }}\n  \
         kiosk: {{ grants: [ciba] }}\n"
    ))
}

async fn ask(world: &World, changes: &[(&str, &str)]) -> Answer {
    let usual = [("scope", "openid orders:read"), ("login_hint", "alice"), ("binding_message", "W4SCT")];
    world.post("/backchannel_authentication", &changed(&usual, changes), Some(BANK)).await
}

async fn asked(world: &World) -> String {
    let answer = ask(world, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.string("auth_req_id")
}

async fn poll(world: &World, client: (&str, &str), id: &str) -> Answer {
    world.post("/token", &[("grant_type", GRANT), ("auth_req_id", id)], Some(client)).await
}

async fn decide(world: &World, id: &str, persona: Value) -> Answer {
    let order = json!({"auth_req_id": id, "persona": persona});
    world.control("POST", "/control/v1/backchannel_authentication", order).await
}

#[tokio::test]
async fn a_client_gets_tokens_of_the_person_it_named_once_they_agreed() {
    let world = world();
    let answer = ask(&world, &[]).await;
    assert_eq!((&answer.json()["expires_in"], &answer.json()["interval"]), (&json!(600), &json!(5)));
    assert_eq!(answer.header("cache-control"), "no-store");
    let id = answer.string("auth_req_id");
    assert_eq!(poll(&world, BANK, &id).await.error(), "400 authorization_pending");
    assert_eq!(poll(&world, BANK, &id).await.error(), "400 slow_down");

    let listed = world.control("GET", "/control/v1/devices", Value::Null).await.json();
    let waiting = &listed["devices"][0];
    assert_eq!((&waiting["client_id"], &waiting["persona"]), (&json!("bank"), &json!("alice")));
    assert_eq!((&waiting["binding_message"], &waiting["scope"]), (&json!("W4SCT"), &json!("openid orders:read")));

    assert_eq!(decide(&world, &id, json!("alice")).await.status, 204);
    world.clock.advance(10);
    let tokens = poll(&world, BANK, &id).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text());
    let claims = part(&tokens.string("id_token"), 1);
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!("alice"), &json!("bank")));
    let told = world.introspect(&tokens.string("access_token")).await;
    assert_eq!((&told["sub"], &told["client_id"]), (&json!("alice"), &json!("bank")));
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*tokens.string("refresh_token"))];
    assert_eq!(world.post("/token", &form, Some(BANK)).await.status, 200);
    let listed = world.control("GET", "/control/v1/devices", Value::Null).await.json();
    assert_eq!(listed, json!({"devices": []}));
}

#[tokio::test]
async fn the_journal_tells_who_was_asked_and_not_the_auth_req_id() {
    let world = world();
    let id = asked(&world).await;
    decide(&world, &id, json!("alice")).await;
    poll(&world, BANK, &id).await;
    let journal = world.control("GET", "/control/v1/journal", Value::Null).await;
    let first = &journal.json()["entries"][0];
    assert_eq!((&first["outcome"], &first["subject"]), (&json!("person asked"), &json!("alice")), "{first}");
    assert!(!journal.text().contains(&id));
}

#[tokio::test]
async fn a_used_auth_req_id_is_refused_and_takes_back_what_it_brought() {
    let world = world();
    let id = asked(&world).await;
    decide(&world, &id, json!("alice")).await;
    let token = poll(&world, BANK, &id).await.string("access_token");
    assert!(world.is_active(&token).await);
    assert_eq!(poll(&world, BANK, &id).await.error(), "400 invalid_grant");
    assert!(!world.is_active(&token).await);
}

#[tokio::test]
async fn each_wrong_request_is_refused_before_anybody_is_asked() {
    let world = world();
    world.directory.deactivate("carol");
    let long = "x".repeat(65);
    let foreign = world.tokens().await.string("id_token");
    for (changes, error) in [
        (&[("login_hint", "")][..], "400 invalid_request"),
        (&[("login_hint", "nobody")], "400 unknown_user_id"),
        (&[("login_hint", "carol")], "400 unknown_user_id"),
        (&[("login_hint", "ALICE")], "400 unknown_user_id"),
        (&[("id_token_hint", foreign.as_str())], "400 invalid_request"),
        (&[("login_hint", ""), ("id_token_hint", foreign.as_str())], "400 invalid_request"),
        (&[("login_hint", ""), ("id_token_hint", "garbage")], "400 invalid_request"),
        (&[("login_hint", ""), ("login_hint_token", "a.b.c")], "400 invalid_request"),
        (&[("scope", "")], "400 invalid_request"),
        (&[("scope", "orders:read")], "400 invalid_scope"),
        (&[("scope", "openid admin")], "400 invalid_scope"),
        (&[("binding_message", long.as_str())], "400 invalid_binding_message"),
        (&[("binding_message", "a\nb")], "400 invalid_binding_message"),
        (&[("requested_expiry", "0")], "400 invalid_request"),
        (&[("requested_expiry", "soon")], "400 invalid_request"),
        (&[("request", "a.b.c")], "400 invalid_request"),
        (&[("resource", "https://nowhere.example")], "400 invalid_target"),
        (&[("authorization_details", "[{}]")], "400 invalid_authorization_details"),
        (&[("scope", "openid"), ("scope", "openid")], "400 invalid_request"),
    ] {
        assert_eq!(ask(&world, changes).await.error(), error, "{changes:?}");
    }
    let form = [("scope", "openid"), ("login_hint", "alice")];
    for (client, credentials, error) in [
        ("", Some(("bank", "wrong")), "401 invalid_client"),
        ("bank", None, "401 invalid_client"),
        ("kiosk", None, "401 invalid_client"),
        ("", Some(crate::world::BACKEND), "400 unauthorized_client"),
    ] {
        let form = changed(&form, &[("client_id", client)]);
        let answer = world.post("/backchannel_authentication", &form, credentials).await;
        assert_eq!(answer.error(), error, "{client} {credentials:?}");
    }
    let listed = world.control("GET", "/control/v1/devices", Value::Null).await.json();
    assert_eq!(listed, json!({"devices": []}));
    world.directory.break_down();
    assert_eq!(ask(&world, &[]).await.error(), "503 temporarily_unavailable");
}

#[tokio::test]
async fn an_id_token_of_the_client_says_who_is_asked() {
    let world = world();
    let id = asked(&world).await;
    decide(&world, &id, json!("alice")).await;
    let id_token = poll(&world, BANK, &id).await.string("id_token");
    world.clock.advance(100_000);
    let answer = ask(&world, &[("login_hint", ""), ("id_token_hint", &id_token)]).await;
    assert_eq!(answer.status, 200, "expired, and still a hint: {}", answer.text());
    let listed = world.control("GET", "/control/v1/devices", Value::Null).await.json();
    assert_eq!(listed["devices"][0]["persona"], "alice");
}

#[tokio::test]
async fn the_auth_req_id_of_another_client_garbage_and_a_device_code_are_refused() {
    let world = world();
    let id = asked(&world).await;
    decide(&world, &id, json!("alice")).await;
    assert_eq!(poll(&world, SHOP, &id).await.error(), "400 invalid_grant");
    assert_eq!(poll(&world, crate::world::BACKEND, &id).await.error(), "400 unauthorized_client");
    for garbage in ["garbage", ""] {
        assert!(poll(&world, BANK, garbage).await.error().starts_with("400 "), "{garbage}");
    }
    let device = world.post("/device_authorization", &[("scope", "openid")], Some(SHOP)).await;
    assert_eq!(poll(&world, SHOP, &device.string("device_code")).await.error(), "400 invalid_grant");
    let as_device = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", id.as_str())];
    assert_eq!(world.post("/token", &as_device, Some(SHOP)).await.error(), "400 invalid_grant");
    assert_eq!(poll(&world, BANK, &id).await.status, 200, "it stayed good for its owner");
}

#[tokio::test]
async fn a_refusal_and_the_end_of_the_time_are_told_apart() {
    let world = world();
    let (refused, expired) = (asked(&world).await, ask(&world, &[("requested_expiry", "30")]).await);
    assert_eq!(decide(&world, &refused, Value::Null).await.status, 204);
    assert_eq!(poll(&world, BANK, &refused).await.error(), "400 access_denied");
    assert_eq!(expired.json()["expires_in"], 30);
    world.clock.advance(30);
    assert_eq!(poll(&world, BANK, &expired.string("auth_req_id")).await.error(), "400 expired_token");
    assert_eq!(decide(&world, &expired.string("auth_req_id"), json!("alice")).await.status, 400);
    assert_eq!(decide(&world, "garbage", json!("alice")).await.status, 404);
    let most = ask(&world, &[("requested_expiry", "100000")]).await;
    assert_eq!(most.json()["expires_in"], 600);
}

#[tokio::test]
async fn nobody_agrees_for_somebody_else() {
    let world = world();
    let id = asked(&world).await;
    assert_eq!(decide(&world, &id, json!("bob")).await.error(), "400 invalid_request");
    assert_eq!(poll(&world, BANK, &id).await.error(), "400 authorization_pending");
}

#[tokio::test]
async fn who_goes_after_agreeing_gets_no_tokens() {
    let world = world();
    let id = asked(&world).await;
    decide(&world, &id, json!("alice")).await;
    world.control("DELETE", "/control/v1/sessions/alice", Value::Null).await;
    assert_eq!(poll(&world, BANK, &id).await.error(), "400 invalid_grant");
}

#[tokio::test]
async fn the_person_finds_the_question_on_the_page_with_the_message_and_nobody_else_can_be_chosen() {
    let world = world();
    let id = asked(&world).await;
    let page = world.get("/device").await.text();
    let (_, rest) = page.split_once("device?user_code=").unwrap();
    let user_code = rest.split('"').next().unwrap();
    let question = world.get(&format!("/device?user_code={user_code}")).await;
    let text = question.text();
    assert!(text.contains("W4SCT") && text.contains("value=\"alice\"") && !text.contains("value=\"bob\""), "{text}");
    let (_, rest) = text.split_once("name=\"proof\" value=\"").unwrap();
    let fields = [("user_code", user_code), ("proof", rest.split('"').next().unwrap()), ("username", "alice")];
    let post = |cookie: &str, fields: &[(&str, &str)]| {
        Request::post("/device")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", cookie)
            .header("origin", "http://localhost:9400")
            .body(Body::from(encode(fields)))
            .unwrap()
    };
    let cookie = question.cookie("mock-idp-browser");
    let as_bob = changed(&fields, &[("username", "bob")]);
    assert_eq!(world.send(post(&cookie, &as_bob)).await.status, 400);
    assert_eq!(world.send(post("", &fields)).await.status, 403, "another browser");
    assert_eq!(world.send(post(&cookie, &fields)).await.status, 200);
    assert_eq!(poll(&world, BANK, &id).await.status, 200);
    assert!(!world.get("/device").await.text().contains("device?user_code="));
}
