//! What the directory says counts at once: in introspection, refresh and redemption.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::world::{CONFIG, World, authorization_path, part};

#[tokio::test]
async fn a_new_name_is_told_on_the_next_call_with_the_same_token() {
    let world = World::from_text(&format!("{CONFIG}claims: {{ name: [userinfo, introspection, id_token] }}\n"));
    let tokens = world.tokens().await;
    let token = tokens.string("access_token");
    for name in ["Alice Liddell", "Alice Hargreaves"] {
        world.directory.rename("alice", name);
        assert_eq!(world.userinfo(&token).await.json()["name"], name);
        assert_eq!(world.introspect(&token).await["name"], name);
    }
    let refreshed = world.refresh(&tokens.string("refresh_token"), &[]).await;
    assert_eq!(part(&refreshed.string("id_token"), 1)["name"], "Alice Hargreaves");
}

#[tokio::test]
async fn a_demotion_is_seen_with_the_same_token() {
    let world = World::new();
    let token = world.tokens().await.string("access_token");
    world.directory.put("alice", "globex", &[]);
    let answer = world.introspect(&token).await;
    assert_eq!((&answer["active"], &answer["roles"], &answer["tenant"]), (&json!(true), &json!([]), &json!("globex")));
}

#[tokio::test]
async fn a_person_who_left_the_tenant_has_none_whatever_the_token_says() {
    let world = World::new();
    let token = world.tokens().await.string("access_token");
    assert_eq!(world.introspect(&token).await["tenant"], "acme");
    world.directory.without_tenant("alice");
    assert_eq!(world.introspect(&token).await.get("tenant"), None);
}

#[tokio::test]
async fn a_deactivated_a_removed_and_an_unreachable_person_has_no_live_token() {
    let change: [fn(&World); 3] = [
        |world| world.directory.deactivate("alice"),
        |world| world.directory.remove("alice"),
        |world| world.directory.break_down(),
    ];
    for (change, refresh) in
        change.into_iter().zip(["400 invalid_grant", "400 invalid_grant", "503 temporarily_unavailable"])
    {
        let world = World::new();
        let tokens = world.tokens().await;
        change(&world);
        assert_eq!(world.introspect(&tokens.string("access_token")).await, json!({"active": false}));
        assert_eq!(world.refresh(&tokens.string("refresh_token"), &[]).await.error(), refresh);
        assert_ne!(world.userinfo(&tokens.string("access_token")).await.status, 200);
    }
}

#[tokio::test]
async fn a_person_who_goes_between_login_and_redemption_gets_no_token() {
    let world = World::new();
    let code = world.code().await;
    world.directory.deactivate("alice");
    assert_eq!(world.redeem(&code, &[]).await.error(), "400 invalid_grant");
}

#[tokio::test]
async fn a_refresh_carries_the_roles_of_now() {
    let world = World::new();
    let token = world.tokens().await.string("refresh_token");
    world.directory.put("alice", "acme", &["admin"]);
    let answer = world.refresh(&token, &[]).await;
    assert_eq!(crate::world::part(&answer.string("access_token"), 1)["roles"], json!(["admin"]));
}

#[tokio::test]
async fn ended_sessions_end_codes_tokens_and_cookies_of_that_person_only() {
    let world = World::new();
    let (tokens, code) = (world.tokens().await, world.code().await);
    let cookie = world.authorize(&[]).await.cookie("mock-idp-session");
    let without_hint = || {
        let request = Request::get(authorization_path(&[("login_hint", "")])).header("cookie", &cookie);
        world.send(request.body(Body::empty()).unwrap())
    };
    assert!(without_hint().await.sent("code").is_some(), "the control");
    let minted = world.mint(json!({})).await;
    let bobs = world.mint(json!({"persona": "bob"})).await;
    let answer = world.control("DELETE", "/control/v1/sessions/alice", json!(null)).await;
    assert_eq!(answer.status, 204);

    assert!(!world.is_active(&tokens.string("access_token")).await);
    assert!(!world.is_active(&minted).await);
    assert_eq!(world.refresh(&tokens.string("refresh_token"), &[]).await.error(), "400 invalid_grant");
    assert_eq!(world.redeem(&code, &[]).await.error(), "400 invalid_grant");
    assert_eq!(without_hint().await.sent("error").as_deref(), Some("login_required"));
    assert!(world.is_active(&bobs).await);
    assert!(world.is_active(&world.mint(json!({})).await).await, "a new token of the same second is alive");
    assert_eq!(world.tokens().await.status, 200, "alice can log in again");
}
