//! Single claims by the `claims` parameter (OpenID Connect Core §5.5).

use serde_json::{Value, json};

use crate::support::Answer;
use crate::world::{CONFIG, World, part};

const ON_REQUEST: &str = r#"
claims: { name: [on_request], tenant: [on_request, access_token] }
acr_values: [pwd, mfa]
"#;

fn world() -> World {
    World::from_text(&format!("{CONFIG}{ON_REQUEST}"))
}

async fn ask(world: &World, claims: &Value) -> Answer {
    world.authorize(&[("claims", &claims.to_string())]).await
}

#[tokio::test]
async fn a_claim_on_request_is_told_where_it_was_asked_for_and_after_a_refresh_too() {
    let world = world();
    let code = ask(&world, &json!({"id_token": {"name": null}, "userinfo": {"tenant": {"essential": true}}})).await;
    let tokens = world.redeem(&code.sent("code").unwrap(), &[]).await;
    let refreshed = world.refresh(&tokens.string("refresh_token"), &[]).await;
    for tokens in [tokens, refreshed] {
        let id_token = part(&tokens.string("id_token"), 1);
        let told = world.userinfo(&tokens.string("access_token")).await.json();
        assert!(id_token["name"].is_string() && id_token["tenant"].is_null(), "{id_token}");
        assert!(told["name"].is_null() && told["tenant"] == "acme", "{told}");
    }
}

#[tokio::test]
async fn a_claim_on_request_is_not_told_to_who_does_not_ask_and_no_request_opens_what_the_configuration_closes() {
    let world = world();
    let tokens = world.tokens().await;
    assert!(part(&tokens.string("id_token"), 1)["name"].is_null());
    assert!(world.userinfo(&tokens.string("access_token")).await.json()["name"].is_null());
    let closed = World::from_text(&format!("{CONFIG}\nclaims: {{ name: [introspection] }}\n"));
    let code = ask(&closed, &json!({"userinfo": {"name": {"essential": true}}})).await;
    let tokens = closed.redeem(&code.sent("code").unwrap(), &[]).await;
    assert!(closed.userinfo(&tokens.string("access_token")).await.json()["name"].is_null());
}

#[tokio::test]
async fn a_missing_claim_on_request_has_an_answer() {
    let path = "/control/v1/claims/why?persona=alice&claim=name&target=userinfo";
    let answer = world().control("GET", path, Value::Null).await.json();
    assert!(answer["reason"].as_str().unwrap().contains("by the parameter `claims`"), "{answer}");
}

#[tokio::test]
async fn an_essential_level_is_reached_or_refused() {
    let world = world();
    let code = ask(&world, &json!({"id_token": {"acr": {"essential": true, "values": ["mfa"]}}})).await;
    let tokens = world.redeem(&code.sent("code").unwrap(), &[]).await;
    assert_eq!(part(&tokens.string("id_token"), 1)["acr"], "mfa");
    let unknown = ask(&world, &json!({"id_token": {"acr": {"essential": true, "value": "retina"}}})).await;
    assert_eq!(unknown.sent("error").unwrap(), "unmet_authentication_requirements");
}

#[tokio::test]
async fn nobody_but_the_person_who_was_asked_for_is_answered_about() {
    let world = world();
    let request = |sub: &str| json!({"id_token": {"sub": {"value": sub}}});
    assert!(ask(&world, &request("alice")).await.sent("code").is_some());
    let other = ask(&world, &request("bob")).await;
    assert_eq!((other.sent("error").as_deref(), other.sent("code")), (Some("login_required"), None));
}

#[tokio::test]
async fn a_request_that_is_no_json_object_is_refused() {
    let answer = world().authorize(&[("claims", "name")]).await;
    assert_eq!(answer.sent("error").unwrap(), "invalid_request");
}
