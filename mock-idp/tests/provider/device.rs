//! Device authorization (RFC 8628): the device, the person, and those who are neither.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::support::Answer;
use crate::world::{World, encode, part};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn begin(world: &World) -> Answer {
    world.post("/device_authorization", &[("client_id", "television"), ("scope", "openid orders:read")], None).await
}

async fn poll(world: &World, client: &str, code: &str) -> Answer {
    world.post("/token", &[("grant_type", GRANT), ("client_id", client), ("device_code", code)], None).await
}

async fn answer(world: &World, fields: &[(&str, &str)], cookie: &str, origin: Option<&str>) -> Answer {
    let mut request =
        Request::post("/device").header("content-type", "application/x-www-form-urlencoded").header("cookie", cookie);
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    world.send(request.body(Body::from(encode(fields))).unwrap()).await
}

/// The hidden value of the page and the cookie that belongs to it.
async fn page(world: &World, user_code: &str) -> (String, String) {
    let page = world.get(&format!("/device?user_code={user_code}")).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let text = page.text();
    let (_, rest) = text.split_once("name=\"proof\" value=\"").unwrap();
    (rest.split('"').next().unwrap().to_owned(), page.cookie("mock-idp-browser"))
}

#[tokio::test]
async fn a_device_gets_tokens_once_a_person_agreed_on_the_page() {
    let world = World::extended();
    let begun = begin(&world).await;
    let (device_code, user_code) = (begun.string("device_code"), begun.string("user_code"));
    assert_eq!((&begun.json()["interval"], &begun.json()["expires_in"]), (&json!(5), &json!(600)));
    assert_eq!(begun.string("verification_uri"), "http://localhost:9400/device");
    assert!(user_code.len() == 9 && user_code.as_bytes()[4] == b'-', "{user_code}");
    assert_eq!(poll(&world, "television", &device_code).await.error(), "400 authorization_pending");
    assert!(world.get("/device").await.text().contains("name=\"user_code\""));

    let (proof, cookie) = page(&world, &user_code).await;
    let fields = [("user_code", user_code.as_str()), ("proof", &proof), ("username", "alice")];
    let done = answer(&world, &fields, &cookie, Some("http://localhost:9400")).await;
    assert_eq!(done.status, 200, "{}", done.text());
    world.clock.advance(5);
    let tokens = poll(&world, "television", &device_code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text());
    assert!(tokens.json()["refresh_token"].is_string() && tokens.json()["id_token"].is_string());
    assert_eq!(world.introspect(&tokens.string("access_token")).await["sub"], "alice");
}

#[tokio::test]
async fn a_script_can_answer_by_the_control_api_and_people_type_codes_in_many_ways() {
    let world = World::extended();
    let begun = begin(&world).await;
    let typed = begun.string("user_code").to_lowercase().replace('-', "");
    let path = format!("/control/v1/devices/{typed}");
    assert_eq!(world.control("POST", &path, json!({"persona": "nobody"})).await.error(), "400 invalid_grant");
    assert_eq!(world.control("POST", &path, json!({"persona": "alice"})).await.status, 204);
    assert_eq!(poll(&world, "television", &begun.string("device_code")).await.status, 200);
    assert_eq!(
        world.control("POST", &path, json!({"persona": "bob"})).await.error(),
        "400 invalid_request",
        "answered"
    );
}

#[tokio::test]
async fn the_device_code_of_another_client_is_refused_and_stays_good_for_its_owner() {
    let world = World::extended();
    let begun = begin(&world).await;
    let (device_code, user_code) = (begun.string("device_code"), begun.string("user_code"));
    world.control("POST", &format!("/control/v1/devices/{user_code}"), json!({"persona": "alice"})).await;
    assert_eq!(poll(&world, "radio", &device_code).await.error(), "400 invalid_grant");
    assert_eq!(poll(&world, "web", &device_code).await.error(), "400 unauthorized_client");
    assert_eq!(poll(&world, "television", &device_code).await.status, 200);
}

#[tokio::test]
async fn a_reused_device_code_is_refused_and_takes_back_what_it_brought() {
    let world = World::extended();
    let begun = begin(&world).await;
    let path = format!("/control/v1/devices/{}", begun.string("user_code"));
    world.control("POST", &path, json!({"persona": "alice"})).await;
    let token = poll(&world, "television", &begun.string("device_code")).await.string("access_token");
    assert!(world.is_active(&token).await);
    assert_eq!(poll(&world, "television", &begun.string("device_code")).await.error(), "400 invalid_grant");
    assert!(!world.is_active(&token).await);
}

#[tokio::test]
async fn a_device_that_polls_too_fast_is_told_to_slow_down_each_time_more() {
    let world = World::extended();
    let code = begin(&world).await.string("device_code");
    assert_eq!(poll(&world, "television", &code).await.error(), "400 authorization_pending");
    world.clock.advance(4);
    assert_eq!(poll(&world, "television", &code).await.error(), "400 slow_down");
    world.clock.advance(9);
    assert_eq!(poll(&world, "television", &code).await.error(), "400 slow_down", "ten seconds now");
    world.clock.advance(15);
    assert_eq!(poll(&world, "television", &code).await.error(), "400 authorization_pending");
}

#[tokio::test]
async fn an_expired_code_is_told_apart_from_a_garbage_one_and_cannot_be_approved() {
    let world = World::extended();
    let begun = begin(&world).await;
    world.clock.advance(600);
    assert_eq!(poll(&world, "television", &begun.string("device_code")).await.error(), "400 expired_token");
    assert_eq!(poll(&world, "television", "garbage").await.error(), "400 invalid_grant");
    assert_eq!(world.get(&format!("/device?user_code={}", begun.string("user_code"))).await.status, 400);
}

#[tokio::test]
async fn a_refused_device_gets_access_denied() {
    let world = World::extended();
    let begun = begin(&world).await;
    let user_code = begun.string("user_code");
    let (proof, cookie) = page(&world, &user_code).await;
    let fields = [("user_code", user_code.as_str()), ("proof", &proof), ("decision", "deny")];
    assert_eq!(answer(&world, &fields, &cookie, None).await.status, 200);
    assert_eq!(poll(&world, "television", &begun.string("device_code")).await.error(), "400 access_denied");
}

#[tokio::test]
async fn a_foreign_page_or_another_browser_cannot_approve_a_device() {
    let world = World::extended();
    let begun = begin(&world).await;
    let user_code = begun.string("user_code");
    let (proof, cookie) = page(&world, &user_code).await;
    let fields = [("user_code", user_code.as_str()), ("proof", &proof), ("username", "alice")];
    assert_eq!(answer(&world, &fields, &cookie, Some("http://attacker.example")).await.status, 403);
    assert_eq!(answer(&world, &fields, "", None).await.status, 403);
    let guessed = [("user_code", user_code.as_str()), ("proof", "guess"), ("username", "alice")];
    assert_eq!(answer(&world, &guessed, &cookie, None).await.status, 403);
    assert_eq!(poll(&world, "television", &begun.string("device_code")).await.error(), "400 authorization_pending");
}

#[tokio::test]
async fn trying_user_codes_out_is_stopped() {
    let world = World::extended();
    let good = begin(&world).await.string("user_code");
    for _ in 0..60 {
        assert_eq!(world.get("/device?user_code=BBBB-BBBB").await.status, 400);
    }
    assert!(world.get(&format!("/device?user_code={good}")).await.text().contains("too many wrong codes"));
    world.clock.advance(60);
    assert_eq!(world.get(&format!("/device?user_code={good}")).await.status, 200);
}

#[tokio::test]
async fn a_client_without_the_grant_cannot_begin() {
    let world = World::extended();
    let answer = world.post("/device_authorization", &[("client_id", "web")], None).await;
    assert_eq!(answer.error(), "400 unauthorized_client");
}

#[tokio::test]
async fn where_everybody_passes_a_second_factor_the_device_page_asks_for_one_too() {
    let world = World::extended_with("login: { second_factor: true }\n");
    let begun = begin(&world).await;
    let user_code = begun.string("user_code");
    let (proof, cookie) = page(&world, &user_code).await;
    let post = async |fields: &[(&str, &str)]| {
        answer(&world, &[&[("user_code", &*user_code)], fields].concat(), &cookie, None).await
    };
    let skipped = post(&[("proof", &proof), ("username", "alice"), ("decision", "pass")]).await;
    assert_eq!(skipped.status, 403, "the first page has no proof that somebody was asked: {}", skipped.text());
    let asked = post(&[("proof", &proof), ("username", "alice")]).await;
    let text = asked.text();
    let second = text.split_once("name=\"proof\" value=\"").unwrap().1.split('"').next().unwrap();
    let other = post(&[("proof", second), ("username", "bob"), ("decision", "pass")]).await;
    assert_eq!(other.status, 403, "{}", other.text());
    world.clock.advance(5);
    assert_eq!(poll(&world, "television", &begun.string("device_code")).await.error(), "400 authorization_pending");
    let done = post(&[("proof", second), ("username", "alice"), ("decision", "pass")]).await;
    assert_eq!(done.status, 200, "{}", done.text());
    world.clock.advance(5);
    let tokens = poll(&world, "television", &begun.string("device_code")).await;
    let claims = part(&tokens.string("id_token"), 1);
    assert_eq!((&claims["acr"], &claims["amr"]), (&json!("mfa"), &json!(["user", "otp", "mfa"])));
}

#[tokio::test]
async fn a_failed_second_factor_refuses_the_device() {
    let world = World::extended_with("login: { second_factor: true }\n");
    let begun = begin(&world).await;
    let user_code = begun.string("user_code");
    let (proof, cookie) = page(&world, &user_code).await;
    let fields = [("user_code", user_code.as_str()), ("proof", &proof), ("username", "alice")];
    let text = answer(&world, &fields, &cookie, None).await.text();
    let second = text.split_once("name=\"proof\" value=\"").unwrap().1.split('"').next().unwrap();
    let fields = [("user_code", user_code.as_str()), ("proof", second), ("username", "alice"), ("decision", "fail")];
    answer(&world, &fields, &cookie, None).await;
    assert_eq!(poll(&world, "television", &begun.string("device_code")).await.error(), "400 access_denied");
}

#[tokio::test]
async fn the_device_page_of_an_issuer_with_a_path_answers_to_its_own_issuer() {
    let text = World::new().get("/device").await.text();
    assert!(text.contains("action=\"device\""), "{text}");
}
