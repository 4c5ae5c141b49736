//! Token exchange (RFC 8693): who may become whom, and for whom.

use serde_json::json;

use crate::support::Answer;
use crate::world::{World, changed, part};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
const GATEWAY: (&str, &str) = ("gateway", "gateway-secret");
const IMPERSONATOR: (&str, &str) = ("impersonator", "impersonator-secret");

async fn exchange(world: &World, subject: &str, changes: &[(&str, &str)], client: (&str, &str)) -> Answer {
    let usual = [("grant_type", GRANT), ("subject_token", subject), ("subject_token_type", ACCESS)];
    world.post("/token", &changed(&usual, changes), Some(client)).await
}

async fn own_token(world: &World, client: (&str, &str)) -> String {
    world.post("/token", &[("grant_type", "client_credentials")], Some(client)).await.string("access_token")
}

#[tokio::test]
async fn delegation_names_the_actor_and_keeps_the_subject() {
    let world = World::extended();
    let (subject, actor) = (world.tokens().await.string("access_token"), own_token(&world, GATEWAY).await);
    let answer = exchange(&world, &subject, &[("actor_token", &actor), ("actor_token_type", ACCESS)], GATEWAY).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!((answer.string("issued_token_type").as_str(), answer.string("token_type").as_str()), (ACCESS, "Bearer"));
    assert!(answer.json()["refresh_token"].is_null());
    let claims = part(&answer.string("access_token"), 1);
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!("alice"), &json!("stock-api")));
    assert_eq!((&claims["act"], &claims["client_id"]), (&json!({"sub": "gateway"}), &json!("gateway")));
    assert_eq!(claims["scope"], "orders:read", "no more than the subject token has");
    assert_eq!(claims["tenant"], "acme");
    assert_eq!(world.introspect(&answer.string("access_token")).await["act"], json!({"sub": "gateway"}));
}

#[tokio::test]
async fn who_acted_before_stays_in_the_chain() {
    let world = World::extended();
    let before = json!({"sub": "first", "act": {"sub": "zeroth"}});
    let subject = world.mint(json!({"scope": "orders:read", "claims": {"act": before}})).await;
    let actor = own_token(&world, GATEWAY).await;
    let delegated = exchange(&world, &subject, &[("actor_token", &actor), ("actor_token_type", ACCESS)], GATEWAY).await;
    let token = delegated.string("access_token");
    assert_eq!(part(&token, 1)["act"], json!({"sub": "gateway", "act": before}));
    let impersonated = exchange(&world, &token, &[("audience", "billing-api")], IMPERSONATOR).await;
    let claims = part(&impersonated.string("access_token"), 1);
    assert_eq!(claims["act"], json!({"sub": "gateway", "act": before}), "impersonation does not wash the chain away");
}

#[tokio::test]
async fn an_exchange_of_a_token_of_another_audience_is_refused() {
    let world = World::extended();
    let foreign = world.mint(json!({"audience": "payroll-api"})).await;
    let actor = own_token(&world, GATEWAY).await;
    let fields = [("actor_token", actor.as_str()), ("actor_token_type", ACCESS)];
    let answer = exchange(&world, &foreign, &fields, GATEWAY).await;
    assert_eq!(answer.error(), "400 invalid_request");
    assert!(answer.text().contains("another audience"));
}

#[tokio::test]
async fn an_exchange_for_an_audience_that_is_not_allowed_is_refused() {
    let world = World::extended();
    let (subject, actor) = (world.tokens().await.string("access_token"), own_token(&world, GATEWAY).await);
    let actor = [("actor_token", actor.as_str()), ("actor_token_type", ACCESS)];
    for target in [("audience", "payroll-api"), ("resource", "https://payroll.example")] {
        let fields = [actor.as_slice(), &[target]].concat();
        assert_eq!(exchange(&world, &subject, &fields, GATEWAY).await.error(), "400 invalid_target", "{target:?}");
    }
    let both = [actor.as_slice(), &[("audience", "stock-api"), ("audience", "payroll-api")]].concat();
    assert_eq!(exchange(&world, &subject, &both, GATEWAY).await.error(), "400 invalid_target");
}

#[tokio::test]
async fn an_actor_without_permission_or_with_the_token_of_another_client_is_refused() {
    let world = World::extended();
    let subject = world.tokens().await.string("access_token");
    let bob = world.mint(json!({"persona": "bob", "client_id": "gateway"})).await;
    let backend = own_token(&world, ("backend", "backend-secret")).await;
    for (actor, words) in [(&bob, "may not act"), (&backend, "another client")] {
        let fields = [("actor_token", actor.as_str()), ("actor_token_type", ACCESS)];
        let answer = exchange(&world, &subject, &fields, GATEWAY).await;
        assert_eq!(answer.error(), "400 invalid_request");
        assert!(answer.text().contains(words), "{}", answer.text());
    }
    let closed = world.mint(json!({"claims": {"may_act": {"sub": "somebody-else"}}})).await;
    let own = own_token(&world, GATEWAY).await;
    let fields = [("actor_token", own.as_str()), ("actor_token_type", ACCESS)];
    assert!(exchange(&world, &closed, &fields, GATEWAY).await.text().contains("may_act"));
}

#[tokio::test]
async fn impersonation_without_permission_is_refused() {
    let world = World::extended();
    let subject = world.tokens().await.string("access_token");
    assert_eq!(exchange(&world, &subject, &[], GATEWAY).await.error(), "400 invalid_request");
}

#[tokio::test]
async fn an_exchange_cannot_widen_the_scope_except_by_configuration() {
    let world = World::extended();
    let (subject, actor) = (world.tokens().await.string("access_token"), own_token(&world, GATEWAY).await);
    let fields = [("actor_token", actor.as_str()), ("actor_token_type", ACCESS), ("scope", "stock:read")];
    assert_eq!(exchange(&world, &subject, &fields, GATEWAY).await.error(), "400 invalid_scope");
    let subject = world.mint(json!({"audience": "stock-api", "scope": "orders:read"})).await;
    let fields = [("audience", "stock-api"), ("scope", "stock:read")];
    assert_eq!(exchange(&world, &subject, &fields, IMPERSONATOR).await.string("scope"), "stock:read");
}

#[tokio::test]
async fn other_token_types_are_refused_by_their_name() {
    let world = World::extended();
    let tokens = world.tokens().await;
    let subject = tokens.string("access_token");
    let other = "urn:ietf:params:oauth:token-type:refresh_token";
    for (fields, words) in [
        (vec![("subject_token_type", other)], "subject_token_type"),
        (vec![("subject_token_type", "")], "subject_token_type"),
        (vec![("requested_token_type", other)], "requested_token_type"),
        (vec![("actor_token_type", ACCESS)], "actor_token"),
        (vec![("actor_token", "x")], "actor_token_type"),
    ] {
        let answer = exchange(&world, &subject, &fields, GATEWAY).await;
        assert_eq!(answer.error(), "400 invalid_request", "{fields:?}");
        assert!(answer.text().contains(words), "{fields:?}");
    }
    for token in [tokens.string("id_token"), tokens.string("refresh_token"), "garbage".to_owned()] {
        assert_eq!(exchange(&world, &token, &[], IMPERSONATOR).await.error(), "400 invalid_request");
    }
}

#[tokio::test]
async fn an_exchanged_token_ends_with_the_one_it_came_of() {
    let world = World::extended();
    let subject = world.tokens().await.string("access_token");
    let actor = own_token(&world, GATEWAY).await;
    let fields = [("actor_token", actor.as_str()), ("actor_token_type", ACCESS)];
    world.clock.advance(100);
    let answer = exchange(&world, &subject, &fields, GATEWAY).await;
    assert_eq!(answer.json()["expires_in"], 200);
    let token = answer.string("access_token");
    assert!(world.is_active(&token).await);
    world.control("DELETE", "/control/v1/sessions/alice", json!({})).await;
    assert!(!world.is_active(&token).await);
    assert_eq!(
        exchange(&world, &subject, &fields, GATEWAY).await.error(),
        "400 invalid_request",
        "the subject is over"
    );
}

#[tokio::test]
async fn a_client_without_the_grant_and_a_public_one_are_refused() {
    let world = World::extended();
    let subject = world.tokens().await.string("access_token");
    assert_eq!(exchange(&world, &subject, &[], ("backend", "backend-secret")).await.error(), "400 unauthorized_client");
    let form =
        [("grant_type", GRANT), ("client_id", "web"), ("subject_token", &subject), ("subject_token_type", ACCESS)];
    assert_eq!(world.post("/token", &form, None).await.error(), "400 unauthorized_client");
}

#[tokio::test]
async fn a_person_who_is_gone_cannot_be_exchanged() {
    let world = World::extended();
    let subject = world.tokens().await.string("access_token");
    let actor = own_token(&world, GATEWAY).await;
    world.directory.deactivate("alice");
    let fields = [("actor_token", actor.as_str()), ("actor_token_type", ACCESS)];
    assert_eq!(exchange(&world, &subject, &fields, GATEWAY).await.error(), "400 invalid_grant");
}
