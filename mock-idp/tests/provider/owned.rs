//! People and clients made while the provider runs: owner, lifetime, and the end of both.

use serde_json::{Value, json};

use crate::support::Answer;
use crate::world::{VERIFIER, World, changed};

const PERSONAS: &str = "/control/v1/personas";
const CLIENTS: &str = "/control/v1/clients";
const NOW: i64 = 1_800_000_000;

async fn make(world: &World, path: &str, order: Value) -> Answer {
    let answer = world.control("POST", path, order.clone()).await;
    assert_eq!(answer.status, 201, "{order}: {}", answer.text());
    answer
}

async fn dora(world: &World, owner: &str) {
    let order = json!({"id": "dora", "owner": owner, "lifetime_seconds": 100, "tenant": "acme", "roles": ["customer"],
        "name": "Dora", "attributes": {"clearance": 2}});
    make(world, PERSONAS, order).await;
}

async fn tokens_of_dora(world: &World) -> Answer {
    let code = world.authorize(&[("login_hint", "dora")]).await.sent("code").unwrap();
    world.redeem(&code, &[]).await
}

async fn backend(world: &World, owner: &str) -> String {
    let client = json!({"secret": "made-secret", "grants": ["client_credentials"], "scopes": ["orders:read"]});
    let answer = make(world, CLIENTS, json!({"owner": owner, "lifetime_seconds": 100, "client": client})).await;
    assert_eq!(answer.json()["expires"], NOW + 100);
    assert!(!answer.text().contains("made-secret"));
    answer.string("client_id")
}

async fn credentials(world: &World, id: &str) -> Answer {
    let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", "made-secret")];
    world.post("/token", &form, None).await
}

#[tokio::test]
async fn a_made_persona_is_like_any_other_and_is_gone_with_their_tokens_after_their_lifetime() {
    let world = World::new();
    dora(&world, "job-42").await;
    let page = world.authorize(&[("prompt", ""), ("login_hint", "")]).await.text();
    assert!(page.contains("dora"), "a card to click");
    let tokens = tokens_of_dora(&world).await;
    let told = world.introspect(&tokens.string("access_token")).await;
    assert_eq!((&told["sub"], &told["tenant"], &told["active"]), (&json!("dora"), &json!("acme"), &json!(true)));
    assert_eq!(world.userinfo(&tokens.string("access_token")).await.json()["clearance"], 2);
    world.clock.advance(100);
    assert!(!world.is_active(&tokens.string("access_token")).await);
    assert_eq!(world.refresh(&tokens.string("refresh_token"), &[]).await.error(), "400 invalid_grant");
    assert_eq!(world.authorize(&[("login_hint", "dora")]).await.sent("code"), None);
}

#[tokio::test]
async fn the_next_one_of_a_name_gets_nothing_of_the_one_before() {
    let world = World::new();
    dora(&world, "job-42").await;
    let tokens = tokens_of_dora(&world).await;
    world.clock.advance(100);
    dora(&world, "job-43").await;
    assert!(!world.is_active(&tokens.string("access_token")).await, "it would be good for 200 seconds more");
    assert_eq!(world.refresh(&tokens.string("refresh_token"), &[]).await.error(), "400 invalid_grant");
    assert!(world.is_active(&tokens_of_dora(&world).await.string("access_token")).await);
}

#[tokio::test]
async fn a_made_client_works_and_is_gone_with_its_tokens_after_its_lifetime() {
    let world = World::new();
    let id = backend(&world, "job-42").await;
    let token = credentials(&world, &id).await.string("access_token");
    assert!(world.is_active(&token).await);
    world.clock.advance(100);
    assert!(!world.is_active(&token).await);
    assert_eq!(credentials(&world, &id).await.error(), "401 invalid_client");
}

#[tokio::test]
async fn a_made_public_client_logs_somebody_in() {
    let world = World::new();
    let callback = "http://localhost:8099/callback";
    let client = json!({"redirect_uris": [callback], "grants": ["authorization_code"], "scopes": ["orders:read"]});
    let id = make(&world, CLIENTS, json!({"owner": "job-42", "client": client})).await.string("client_id");
    let changes = [("client_id", id.as_str()), ("redirect_uri", callback)];
    let code = world.authorize(&changes).await.sent("code").unwrap();
    let form = changed(&[("grant_type", "authorization_code"), ("code", &code), ("code_verifier", VERIFIER)], &changes);
    assert_eq!(world.post("/token", &form, None).await.status, 200);
    let elsewhere = [("client_id", id.as_str()), ("redirect_uri", "http://localhost:8099/other")];
    assert_eq!(world.authorize(&elsewhere).await.status, 400, "as strict as for any client");
}

#[tokio::test]
async fn one_call_ends_everything_of_an_owner_and_nothing_of_another() {
    let world = World::extended();
    dora(&world, "job-42").await;
    make(&world, PERSONAS, json!({"id": "emil", "owner": "job-43"})).await;
    let (ours, theirs) = (backend(&world, "job-42").await, backend(&world, "job-43").await);
    let tokens = tokens_of_dora(&world).await;
    let token = credentials(&world, &ours).await.string("access_token");

    let listed = world.control("GET", "/control/v1/owned", Value::Null).await;
    let owner = |list: &str, at: usize| listed.json()[list][at]["owner"].clone();
    assert_eq!((owner("personas", 0), owner("personas", 1)), (json!("job-42"), json!("job-43")));
    assert_eq!(
        (listed.json()["personas"][0]["expires"].clone(), listed.json()["personas"][1]["expires"].clone()),
        (json!(NOW + 100), json!(NOW + 3_600))
    );
    assert_eq!(listed.json()["clients"].as_array().unwrap().len(), 2);
    assert!(!listed.text().contains("made-secret"));

    let ended = world.control("DELETE", "/control/v1/owned/job-42", Value::Null).await.json();
    assert_eq!(ended, json!({"personas": ["dora"], "clients": [ours]}));
    for token in [tokens.string("access_token"), token] {
        assert!(!world.is_active(&token).await);
    }
    assert_eq!(credentials(&world, &ours).await.error(), "401 invalid_client");
    assert_eq!(credentials(&world, &theirs).await.status, 200);
    assert!(world.authorize(&[("login_hint", "emil")]).await.sent("code").is_some());
    let again = world.control("DELETE", "/control/v1/owned/job-42", Value::Null).await.json();
    assert_eq!(again, json!({"personas": [], "clients": []}));

    world.control("POST", "/control/v1/reset", Value::Null).await;
    let left = world.control("GET", "/control/v1/owned", Value::Null).await.json();
    assert_eq!(left, json!({"personas": [], "clients": []}));
}

#[tokio::test]
async fn a_client_that_registered_itself_is_listed_and_ended_with_its_owner() {
    let world = World::extended();
    let request = axum::http::Request::post("/register")
        .header("content-type", "application/json")
        .header("authorization", "Bearer initial-token-of-team-a")
        .body(axum::body::Body::from(
            json!({"grant_types": ["client_credentials"], "scope": "orders:read"}).to_string(),
        ));
    let id = world.send(request.unwrap()).await.string("client_id");
    let listed = world.control("GET", "/control/v1/owned", Value::Null).await.json();
    assert_eq!((&listed["clients"][0]["client_id"], &listed["clients"][0]["owner"]), (&json!(id), &json!("team-a")));
    let ended = world.control("DELETE", "/control/v1/owned/team-a", Value::Null).await.json();
    assert_eq!(ended["clients"], json!([id]));
}

#[tokio::test]
async fn an_order_that_names_no_owner_somebody_who_is_there_or_an_impossible_client_is_refused() {
    let world = World::new();
    let client = json!({"grants": ["client_credentials"]});
    for (path, order) in [
        (PERSONAS, json!({"id": "dora"})),
        (PERSONAS, json!({"id": "", "owner": "job"})),
        (PERSONAS, json!({"id": "a\nb", "owner": "job"})),
        (PERSONAS, json!({"id": "alice", "owner": "job"})),
        (PERSONAS, json!({"id": "dora", "owner": ""})),
        (PERSONAS, json!({"id": "dora", "owner": "a/b"})),
        (PERSONAS, json!({"id": "dora", "owner": "job", "lifetime_seconds": 0})),
        (PERSONAS, json!({"id": "dora", "owner": "job", "lifetime_seconds": 604_801})),
        (PERSONAS, json!({"id": "dora", "owner": "job", "admin": true})),
        (CLIENTS, json!({"client": client})),
        (CLIENTS, json!({"owner": "job"})),
        (CLIENTS, json!({"owner": "job", "client": client, "client_id": "web"})),
        (CLIENTS, json!({"owner": "job", "client": {"secret": ""}})),
        (CLIENTS, json!({"owner": "job", "client": {"redirect_uris": ["javascript:alert(1)"]}})),
    ] {
        let answer = world.control("POST", path, order.clone()).await;
        assert_eq!(answer.error(), "400 invalid_request", "{order}: {}", answer.text());
    }
    world.directory.break_down();
    let order = json!({"id": "dora", "owner": "job"});
    assert_eq!(world.control("POST", PERSONAS, order).await.status, 503, "who knows whether there is one");
}
