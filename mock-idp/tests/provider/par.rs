//! Pushed authorization requests (RFC 9126).

use serde_json::json;

use crate::signer::Signer;
use crate::support::Answer;
use crate::world::{BACKEND, CALLBACK, CHALLENGE, VERIFIER, World, changed, encode};

const USUAL: [(&str, &str); 8] = [
    ("client_id", "web"),
    ("redirect_uri", CALLBACK),
    ("response_type", "code"),
    ("scope", "openid"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
    ("prompt", "none"),
    ("login_hint", "alice"),
];

async fn push(world: &World, changes: &[(&str, &str)]) -> Answer {
    world.post("/par", &changed(&USUAL, changes), None).await
}

async fn visit(world: &World, fields: &[(&str, &str)]) -> Answer {
    world.get(&format!("/authorize?{}", encode(fields))).await
}

#[tokio::test]
async fn a_pushed_request_brings_a_code_by_its_reference() {
    let world = World::new();
    let pushed = push(&world, &[("state", "the-state")]).await;
    assert_eq!((pushed.status.as_u16(), pushed.header("cache-control")), (201, "no-store"));
    assert_eq!(pushed.json()["expires_in"], 60);
    let uri = pushed.string("request_uri");
    assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:"));
    let answer = visit(&world, &[("client_id", "web"), ("request_uri", &uri)]).await;
    assert_eq!(answer.sent("state").as_deref(), Some("the-state"));
    let code = answer.sent("code").unwrap();
    assert_eq!(world.redeem(&code, &[("code_verifier", VERIFIER)]).await.status, 200);
}

#[tokio::test]
async fn a_request_uri_used_twice_is_refused() {
    let world = World::new();
    let uri = push(&world, &[]).await.string("request_uri");
    let fields = [("client_id", "web"), ("request_uri", uri.as_str())];
    assert!(visit(&world, &fields).await.sent("code").is_some());
    let again = visit(&world, &fields).await;
    assert_eq!((again.status.as_u16(), again.header("location")), (400, ""));
    assert!(again.text().contains("used before"));
}

#[tokio::test]
async fn a_request_uri_of_another_client_is_refused_and_stays_good_for_its_owner() {
    let world = World::new();
    let uri = push(&world, &[]).await.string("request_uri");
    assert!(visit(&world, &[("client_id", "other"), ("request_uri", &uri)]).await.text().contains("another client"));
    assert_eq!(visit(&world, &[("request_uri", &uri)]).await.status, 400, "no client at all");
    assert!(visit(&world, &[("client_id", "web"), ("request_uri", &uri)]).await.sent("code").is_some());
}

#[tokio::test]
async fn an_expired_request_uri_and_a_foreign_one_are_refused() {
    let world = World::new();
    let uri = push(&world, &[]).await.string("request_uri");
    world.clock.advance(60);
    assert!(visit(&world, &[("client_id", "web"), ("request_uri", &uri)]).await.text().contains("expired"));
    for uri in ["https://attacker.example/request.jwt", "urn:ietf:params:oauth:request_uri:guess", "file:///etc/passwd"]
    {
        let answer = visit(&world, &[("client_id", "web"), ("request_uri", uri)]).await;
        assert!(answer.text().contains("invalid_request_uri"), "{uri}");
    }
}

#[tokio::test]
async fn a_parameter_beside_the_request_uri_that_was_not_pushed_is_refused() {
    let world = World::new();
    for (name, value) in
        [("scope", "orders:write"), ("state", "planted"), ("redirect_uri", "http://localhost:8081/callback")]
    {
        let uri = push(&world, &[]).await.string("request_uri");
        let answer = visit(&world, &[("client_id", "web"), ("request_uri", &uri), (name, value)]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""), "{name}");
    }
    let uri = push(&world, &[]).await.string("request_uri");
    let same = visit(&world, &[("client_id", "web"), ("request_uri", &uri), ("scope", "openid")]).await;
    assert!(same.sent("code").is_some(), "a parameter that says the same does no harm");
}

#[tokio::test]
async fn a_wrong_request_is_refused_when_it_is_pushed() {
    let world = World::new();
    for (changes, error) in [
        (("redirect_uri", "http://attacker.example/"), "400 invalid_request"),
        (("code_challenge", ""), "400 invalid_request"),
        (("scope", "admin"), "400 invalid_scope"),
        (("response_type", "token"), "400 unsupported_response_type"),
        (("request_uri", "urn:ietf:params:oauth:request_uri:x"), "400 invalid_request"),
        (("client_id", "nobody"), "401 invalid_client"),
        (("client_id", "backend"), "401 invalid_client"),
    ] {
        assert_eq!(push(&world, &[changes]).await.error(), error, "{changes:?}");
    }
    let long = "x".repeat(10_000);
    assert_eq!(push(&world, &[("ui_locales", &long)]).await.error(), "400 invalid_request");
    let foreign = world.post("/par", &USUAL, Some(BACKEND)).await;
    assert_eq!(foreign.error(), "400 invalid_request", "authenticated as one client, pushed for another");
}

#[tokio::test]
async fn a_client_that_must_push_cannot_leave_it_out() {
    let world = World::extended();
    let fields = [("client_id", "pushing"), ("redirect_uri", "http://localhost:8084/callback")];
    let direct = world.authorize(&fields).await;
    assert_eq!(direct.sent("error").as_deref(), Some("invalid_request"));
    let uri = push(&world, &fields).await.string("request_uri");
    assert!(visit(&world, &[("client_id", "pushing"), ("request_uri", &uri)]).await.sent("code").is_some());
}

#[tokio::test]
async fn a_provider_that_demands_pushing_announces_and_enforces_it() {
    let world = World::extended_with("require_pushed_authorization_requests: true\n");
    let metadata = world.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["require_pushed_authorization_requests"], true);
    assert_eq!(world.authorize(&[]).await.sent("error").as_deref(), Some("invalid_request"));
    assert_eq!(push(&world, &[]).await.status, 201);
}

#[tokio::test]
async fn the_key_of_a_proof_at_the_par_endpoint_binds_the_code() {
    let world = World::extended();
    let (owner, thief) = (Signer::new(), Signer::new());
    let proof = owner.proof(&json!({"htu": "http://localhost:9400/par"}));
    let uri = world.post_with_proof("/par", &USUAL, &proof).await.string("request_uri");
    let code = visit(&world, &[("client_id", "web"), ("request_uri", &uri)]).await.sent("code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "web"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(world.post("/token", &form, None).await.error(), "400 invalid_grant", "no proof");
    let stolen = world.post_with_proof("/token", &form, &thief.proof(&json!({}))).await;
    assert_eq!(stolen.error(), "400 invalid_grant", "another key");
    assert_eq!(world.post_with_proof("/token", &form, &owner.proof(&json!({}))).await.status, 200);
    let contradiction = changed(&USUAL, &[("dpop_jkt", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]);
    let proof = owner.proof(&json!({"htu": "http://localhost:9400/par"}));
    assert_eq!(world.post_with_proof("/par", &contradiction, &proof).await.error(), "400 invalid_dpop_proof");
}
