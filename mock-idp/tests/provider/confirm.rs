//! Between login and client: consent, a second factor, and which claims are told where.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::support::Answer;
use crate::world::{CONFIG, World, authorization_path, encode, part};

fn consenting() -> World {
    World::from_text(&CONFIG.replacen("  web:", "  web:\n    consent: true", 1))
}

fn with_second_factor() -> World {
    World::from_text(&format!("{CONFIG}\nlogin: {{ second_factor: true }}"))
}

async fn open(world: &World, changes: &[(&str, &str)], cookie: &str) -> Answer {
    let path = authorization_path(&[&[("prompt", ""), ("login_hint", "")], changes].concat());
    world.send(Request::get(path).header("cookie", cookie).body(Body::empty()).unwrap()).await
}

fn handle(page: &Answer) -> String {
    let text = page.text();
    text.split("name=\"login\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
}

async fn submit(world: &World, path: &str, login: &str, cookie: &str, field: (&str, &str)) -> Answer {
    let request = Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", cookie)
        .body(Body::from(encode(&[("login", login), field])));
    world.send(request.unwrap()).await
}

/// Chooses alice on the login page; the answer, the handle and the browser's cookie.
async fn choose(world: &World, changes: &[(&str, &str)]) -> (Answer, String, String) {
    let page = open(world, changes, "").await;
    let (login, browser) = (handle(&page), page.cookie("mock-idp-browser"));
    let answer = submit(world, "/login", &login, &browser, ("username", "alice")).await;
    (answer, login, browser)
}

#[tokio::test]
async fn consent_is_asked_once_and_again_when_more_is_wanted_or_the_client_insists() {
    let world = consenting();
    let (page, login, browser) = choose(&world, &[]).await;
    assert!(
        page.status == 200 && page.text().contains("Allow") && page.text().contains("orders:read"),
        "{}",
        page.text()
    );
    let done = submit(&world, "/confirm", &login, &browser, ("decision", "allow")).await;
    assert!(done.sent("code").is_some(), "{done:?}");
    let session = done.cookie("mock-idp-session");

    assert!(open(&world, &[], &session).await.sent("code").is_some(), "it is known now");
    for changes in [&[("scope", "openid orders:read orders:write")][..], &[("prompt", "consent")]] {
        let page = open(&world, changes, &session).await;
        assert!(page.status == 200 && page.text().contains("Allow"), "{changes:?}");
        let cookies = format!("{session}; {}", page.cookie("mock-idp-browser"));
        let done = submit(&world, "/confirm", &handle(&page), &cookies, ("decision", "allow")).await;
        assert!(done.sent("code").is_some(), "{changes:?}");
    }
}

#[tokio::test]
async fn a_person_who_does_not_agree_sends_the_client_away_and_the_page_is_over() {
    let world = consenting();
    let (_, login, browser) = choose(&world, &[]).await;
    let denied = submit(&world, "/confirm", &login, &browser, ("decision", "deny")).await;
    assert_eq!(
        (denied.sent("error").as_deref(), denied.sent("state").as_deref()),
        (Some("access_denied"), Some("the-state"))
    );
    assert!(denied.cookie("mock-idp-session").is_empty(), "nobody is logged in");
    assert_eq!(submit(&world, "/confirm", &login, &browser, ("decision", "allow")).await.status, 400);
}

#[tokio::test]
async fn without_a_page_there_is_no_consent() {
    let answer = consenting().authorize(&[]).await;
    assert_eq!(answer.sent("error").as_deref(), Some("consent_required"));
}

#[tokio::test]
async fn the_question_cannot_be_skipped_answered_by_another_browser_or_before_the_login() {
    let world = consenting();
    let page = open(&world, &[], "").await;
    let (login, browser) = (handle(&page), page.cookie("mock-idp-browser"));
    assert_eq!(
        submit(&world, "/confirm", &login, &browser, ("decision", "allow")).await.status,
        400,
        "before the login"
    );
    submit(&world, "/login", &login, &browser, ("username", "alice")).await;
    assert_eq!(submit(&world, "/confirm", &login, "", ("decision", "allow")).await.status, 403, "another browser");
    assert!(submit(&world, "/confirm", &login, &browser, ("decision", "allow")).await.sent("code").is_some());
}

#[tokio::test]
async fn a_person_who_goes_while_the_question_is_shown_gets_no_code() {
    let world = consenting();
    let (_, login, browser) = choose(&world, &[]).await;
    world.directory.deactivate("alice");
    let answer = submit(&world, "/confirm", &login, &browser, ("decision", "allow")).await;
    assert_eq!((answer.sent("code"), answer.sent("error").as_deref()), (None, Some("login_required")));
}

#[tokio::test]
async fn a_second_factor_is_asked_passed_or_failed_and_told_in_amr() {
    let world = with_second_factor();
    let (page, login, browser) = choose(&world, &[]).await;
    assert!(page.text().contains("Second factor of alice"), "{}", page.text());
    let done = submit(&world, "/confirm", &login, &browser, ("decision", "pass")).await;
    let token = world.redeem(&done.sent("code").unwrap(), &[]).await.string("id_token");
    assert_eq!(part(&token, 1)["amr"], json!(["user", "otp", "mfa"]));

    let (_, login, browser) = choose(&world, &[]).await;
    let failed = submit(&world, "/confirm", &login, &browser, ("decision", "fail")).await;
    assert_eq!(failed.sent("error").as_deref(), Some("access_denied"));

    let plain = World::new().tokens().await.string("id_token");
    assert_eq!(part(&plain, 1)["amr"], json!(["user"]));
}

#[tokio::test]
async fn after_the_second_factor_comes_consent() {
    let config = CONFIG.replacen("  web:", "  web:\n    consent: true", 1);
    let world = World::from_text(&format!("{config}\nlogin: {{ second_factor: true }}"));
    let (_, login, browser) = choose(&world, &[]).await;
    let page = submit(&world, "/confirm", &login, &browser, ("decision", "pass")).await;
    assert!(page.text().contains("Allow") && page.sent("code").is_none());
    assert_eq!(
        submit(&world, "/confirm", &login, &browser, ("decision", "pass")).await.sent("error").as_deref(),
        Some("access_denied")
    );
}

const CLAIMS: &str = r#"
claims:
  tenant: [id_token]
  name: [userinfo, access_token, introspection]
"#;

#[tokio::test]
async fn each_claim_is_told_where_the_configuration_says() {
    let world = World::from_text(&format!("{CONFIG}{CLAIMS}"));
    let tokens = world.tokens().await;
    let access = tokens.string("access_token");
    let told = [
        part(&tokens.string("id_token"), 1),
        part(&access, 1),
        world.userinfo(&access).await.json(),
        world.introspect(&access).await,
    ];
    let has = |name: &str| told.each_ref().map(|claims| !claims[name].is_null());
    assert_eq!(has("tenant"), [true, false, false, false]);
    assert_eq!(has("name"), [false, true, true, true]);
    assert_eq!(has("roles"), [true, true, true, true], "as without a configuration");
    assert_eq!(has("preferred_username"), [true, false, true, false]);
}

#[tokio::test]
async fn why_a_claim_is_missing_has_an_answer() {
    let world = World::from_text(&format!("{CONFIG}{CLAIMS}"));
    let why = async |claim: &str, target: &str, more: &str| {
        let path = format!("/control/v1/claims/why?persona=alice&claim={claim}&target={target}{more}");
        world.control("GET", &path, Value::Null).await.json()
    };
    assert_eq!(why("tenant", "id_token", "").await, json!({"claim": "tenant", "told": true, "value": "acme"}));
    for (claim, target, more, reason) in [
        ("tenant", "userinfo", "", "does not list"),
        ("preferred_username", "access_token", "", "unless `claims.preferred_username` lists more"),
        ("email", "id_token", "", "no attribute `email`"),
        ("exp", "id_token", "", "claim of the protocol"),
        ("name", "userinfo", "&scope=orders:read", "without the scope `openid`"),
    ] {
        let answer = why(claim, target, more).await;
        assert!(answer["told"] == false && answer["reason"].as_str().unwrap().contains(reason), "{claim}: {answer}");
    }
    let path = "/control/v1/claims/why?persona=nobody&claim=a&target=id_token";
    assert_eq!(world.control("GET", path, Value::Null).await.error(), "400 invalid_request");
}

#[tokio::test]
async fn a_client_that_wants_a_stronger_login_makes_the_page_ask_for_a_second_factor_and_nobody_else_does() {
    let world = World::extended();
    let (weak, ..) = choose(&world, &[("acr_values", "pwd")]).await;
    assert!(weak.sent("code").is_some(), "{weak:?}");
    let (page, login, browser) = choose(&world, &[("acr_values", "mfa")]).await;
    assert_eq!(page.status, 200, "{page:?}");
    let done = submit(&world, "/confirm", &login, &browser, ("decision", "pass")).await;
    let tokens = world.redeem(&done.sent("code").unwrap(), &[]).await;
    let claims = part(&tokens.string("id_token"), 1);
    assert_eq!((&claims["acr"], &claims["amr"]), (&json!("mfa"), &json!(["user", "otp", "mfa"])));
}

#[tokio::test]
async fn where_everybody_passes_a_second_factor_a_login_reaches_the_strongest_level() {
    let world = World::extended_with("login: { second_factor: true }\n");
    let (_, login, browser) = choose(&world, &[]).await;
    let done = submit(&world, "/confirm", &login, &browser, ("decision", "pass")).await;
    let tokens = world.redeem(&done.sent("code").unwrap(), &[]).await;
    assert_eq!(part(&tokens.string("access_token"), 1)["acr"], "mfa");
}
