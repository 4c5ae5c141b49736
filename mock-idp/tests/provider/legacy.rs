//! Flows of the past (RFC 6749 §4.2, §4.3, OpenID Connect Core §3.2, §3.3): off, and a finding where they are on.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::Answer;
use crate::world::{BACKEND, CONFIG, World, authorization_path, part};

fn world() -> World {
    let clients = CONFIG
        .replace("grants: [authorization_code, refresh_token]", "grants: [authorization_code, refresh_token, implicit]")
        .replace("grants: [authorization_code, client_credentials", "grants: [password, client_credentials");
    World::from_text(&format!("{clients}legacy_flows: [implicit, hybrid, password]\n"))
}

/// What stands behind the `#`.
fn fragment(answer: &Answer) -> BTreeMap<String, String> {
    let location = answer.header("location");
    let (before, after) = location.split_once('#').unwrap_or_else(|| panic!("no fragment in {location}"));
    assert!(!before.contains("token"), "{location}");
    url::form_urlencoded::parse(after.as_bytes()).into_owned().collect()
}

async fn findings(world: &World) -> Vec<String> {
    let body = world.control("GET", "/control/v1/findings", Value::Null).await.json();
    body["findings"].as_array().unwrap().iter().map(|one| one["finding"].as_str().unwrap().to_owned()).collect()
}

const NO_PKCE: [(&str, &str); 2] = [("code_challenge", ""), ("code_challenge_method", "")];

#[tokio::test]
async fn an_implicit_answer_stands_in_the_fragment_and_each_use_is_a_finding() {
    let world = world();
    let answer = world.authorize(&[&[("response_type", "id_token token")], &NO_PKCE[..]].concat()).await;
    let sent = fragment(&answer);
    assert_eq!((sent["state"].as_str(), sent["token_type"].as_str(), sent.get("code")), ("the-state", "Bearer", None));
    let claims = part(&sent["id_token"], 1);
    assert!(claims["at_hash"].is_string() && claims["nonce"] == "the-nonce" && claims["c_hash"].is_null(), "{claims}");
    assert_eq!(world.introspect(&sent["access_token"]).await["sub"], "alice");
    assert_eq!(findings(&world).await, ["implicit_flow"]);
    let ended = world.control("DELETE", "/control/v1/sessions/alice", Value::Null).await;
    assert_eq!((ended.status.as_u16(), world.is_active(&sent["access_token"]).await), (204, false));
}

#[tokio::test]
async fn a_hybrid_answer_has_a_code_that_its_id_token_names_and_that_still_needs_its_verifier() {
    let world = world();
    let sent = fragment(&world.authorize(&[("response_type", "code id_token")]).await);
    let claims = part(&sent["id_token"], 1);
    assert!(claims["c_hash"].is_string() && claims["at_hash"].is_null(), "{claims}");
    assert_eq!(world.redeem(&sent["code"], &[("code_verifier", "")]).await.error(), "400 invalid_grant");
    assert_eq!(world.redeem(&sent["code"], &[]).await.status, 200);
    assert_eq!(findings(&world).await, ["hybrid_flow"]);
    let without = world.authorize(&[&[("response_type", "code token")], &NO_PKCE[..]].concat()).await;
    assert_eq!(fragment(&without)["error"], "invalid_request", "a hybrid request without PKCE");
}

#[tokio::test]
async fn an_id_token_in_a_redirect_needs_a_nonce_and_the_refusal_stands_in_the_fragment() {
    let world = world();
    let sent = fragment(&world.authorize(&[("response_type", "id_token"), ("nonce", "")]).await);
    assert_eq!((sent["error"].as_str(), sent["state"].as_str()), ("invalid_request", "the-state"));
    let query = world.authorize(&[("response_type", "token"), ("response_mode", "query")]).await;
    assert_eq!(fragment(&query)["error"], "invalid_request", "tokens in a query would reach servers and logs");
}

#[tokio::test]
async fn a_client_that_did_not_register_the_implicit_grant_cannot_use_it() {
    let world = World::from_text(&format!("{CONFIG}legacy_flows: [implicit]\n"));
    let sent = fragment(&world.authorize(&[("response_type", "token")]).await);
    assert_eq!(sent["error"], "unauthorized_client");
    let hybrid = world.authorize(&[("response_type", "code token")]).await;
    assert_eq!(hybrid.sent("error").unwrap(), "unsupported_response_type", "each flow is switched on by itself");
}

#[tokio::test]
async fn a_client_whose_tokens_are_bound_gets_none_in_a_redirect() {
    let more = "legacy_flows: [hybrid]\n";
    let path = authorization_path(&[
        ("client_id", "bound"),
        ("redirect_uri", "http://localhost:8086/callback"),
        ("response_type", "code token"),
    ]);
    let answer = World::extended_with(more).get(&path).await;
    assert_eq!(fragment(&answer)["error"], "invalid_request");
}

#[tokio::test]
async fn a_password_brings_tokens_and_a_finding() {
    let world = world();
    let form = [("grant_type", "password"), ("username", "alice"), ("password", "secret"), ("scope", "openid")];
    let tokens = world.post("/token", &form, Some(BACKEND)).await;
    assert_eq!(world.introspect(&tokens.string("access_token")).await["sub"], "alice", "{}", tokens.text());
    assert!(tokens.json()["refresh_token"].is_string() && tokens.json()["id_token"].is_string());
    assert_eq!(findings(&world).await, ["password_grant"]);
    let nobody = [("grant_type", "password"), ("username", "mallory"), ("password", "secret")];
    assert_eq!(world.post("/token", &nobody, Some(BACKEND)).await.error(), "400 invalid_grant");
    let other = [("grant_type", "password"), ("client_id", "web"), ("username", "alice"), ("password", "secret")];
    assert_eq!(world.post("/token", &other, None).await.error(), "400 unauthorized_client");
}

#[tokio::test]
async fn a_password_does_not_stand_in_for_a_second_factor() {
    let config =
        CONFIG.replace("grants: [authorization_code, client_credentials", "grants: [password, client_credentials");
    let world = World::from_text(&format!("{config}legacy_flows: [password]\nlogin: {{ second_factor: true }}\n"));
    let form = [("grant_type", "password"), ("username", "alice"), ("password", "secret")];
    assert_eq!(world.post("/token", &form, Some(BACKEND)).await.error(), "400 invalid_grant");
}

#[tokio::test]
async fn they_are_announced_where_they_are_on_and_nowhere_else() {
    let read = async |world: World| world.get("/.well-known/openid-configuration").await.json();
    let on = read(world()).await;
    assert!(on["response_types_supported"].as_array().unwrap().contains(&json!("id_token token")), "{on}");
    assert_eq!(on["response_modes_supported"], json!(["query", "fragment"]));
    assert!(on["grant_types_supported"].as_array().unwrap().contains(&json!("password")));
    let off = read(World::new()).await;
    assert_eq!(
        (&off["response_types_supported"], &off["response_modes_supported"]),
        (&json!(["code"]), &json!(["query"]))
    );
    let form = [("grant_type", "password"), ("username", "alice"), ("password", "secret")];
    assert_eq!(World::new().post("/token", &form, Some(BACKEND)).await.error(), "400 unsupported_grant_type");
}
