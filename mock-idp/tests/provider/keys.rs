//! Signing keys: every algorithm, rotated and retired while the provider runs.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};

use crate::world::{CONFIG, ISSUER, World, part};

const KEYS: &str = "/control/v1/keys";

/// What a foreign library makes of a token with the published keys.
async fn believed(world: &World, token: &str, audience: &str) -> bool {
    let keys: JwkSet = serde_json::from_slice(&world.get("/jwks").await.body).unwrap();
    let header = decode_header(token).unwrap();
    let Some(key) = keys.find(header.kid.as_deref().unwrap()) else { return false };
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&[audience]);
    validation.set_issuer(&[ISSUER]);
    validation.validate_exp = false;
    decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &validation).is_ok()
}

fn with_id_tokens_of(algorithm: &str) -> World {
    let line = format!("  web:\n    id_token_signed_response_alg: {algorithm}");
    World::from_text(&CONFIG.replacen("  web:", &line, 1))
}

#[tokio::test]
async fn a_client_gets_its_id_tokens_in_the_algorithm_that_it_registered() {
    for algorithm in ["ES256", "RS256", "PS256", "EdDSA"] {
        let world = with_id_tokens_of(algorithm);
        let tokens = world.tokens().await;
        let (id, access) = (tokens.string("id_token"), tokens.string("access_token"));
        assert_eq!(part(&id, 0)["alg"], algorithm);
        assert_eq!(part(&access, 0)["alg"], "ES256", "the API did not ask for anything else");
        assert!(believed(&world, &id, "web").await && believed(&world, &access, "orders-api").await, "{algorithm}");
    }
}

#[tokio::test]
async fn at_hash_uses_the_hash_of_the_signature() {
    let tokens = with_id_tokens_of("EdDSA").tokens().await;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, tokens.string("access_token").as_bytes());
    let expected = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, &digest.as_ref()[..32]);
    assert_eq!(part(&tokens.string("id_token"), 1)["at_hash"], expected);
}

#[tokio::test]
async fn access_tokens_of_every_algorithm_are_signed_and_recognised() {
    for algorithm in ["RS256", "PS256", "EdDSA"] {
        let world = World::from_text(&format!("{CONFIG}\nkeys: {{ algorithm: {algorithm} }}"));
        let token = world.tokens().await.string("access_token");
        assert_eq!(part(&token, 0)["alg"], algorithm);
        assert!(world.is_active(&token).await && believed(&world, &token, "orders-api").await);
    }
}

#[tokio::test]
async fn the_key_set_is_complete_before_it_is_shown() {
    let world = World::from_text(&format!("{CONFIG}\nkeys: {{ also: [RS256, EdDSA] }}"));
    let keys = world.get("/jwks").await.json();
    let mut algorithms: Vec<&str> =
        keys["keys"].as_array().unwrap().iter().map(|key| key["alg"].as_str().unwrap()).collect();
    algorithms.sort_unstable();
    assert_eq!(algorithms, ["ES256", "EdDSA", "RS256"]);
    assert!(keys["keys"].as_array().unwrap().iter().all(|key| key["d"].is_null() && key["use"] == "sig"));
}

#[tokio::test]
async fn every_announced_algorithm_can_be_had() {
    let document = World::new().get("/.well-known/openid-configuration").await.json();
    for algorithm in document["id_token_signing_alg_values_supported"].as_array().unwrap() {
        let token = with_id_tokens_of(algorithm.as_str().unwrap()).tokens().await.string("id_token");
        assert_eq!(part(&token, 0)["alg"], *algorithm);
    }
}

#[tokio::test]
async fn a_rotated_key_is_accepted_until_it_is_retired() {
    let world = World::new();
    let old = world.tokens().await.string("access_token");
    let made = world.control("POST", &format!("{KEYS}/rotate"), json!({})).await;
    assert_eq!(made.status, 201);
    let new = world.tokens().await.string("access_token");
    assert_eq!(part(&new, 0)["kid"], made.json()["kid"]);
    assert_ne!(part(&old, 0)["kid"], part(&new, 0)["kid"]);
    assert_eq!(world.get("/jwks").await.json()["keys"].as_array().unwrap().len(), 2);
    assert!(world.is_active(&old).await && world.is_active(&new).await);
    let states: Vec<Value> = world.control("GET", KEYS, json!(null)).await.json()["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["state"].clone())
        .collect();
    assert_eq!(states, ["signs", "accepted"]);

    let retire = format!("{KEYS}/{}", part(&old, 0)["kid"].as_str().unwrap());
    assert_eq!(world.control("DELETE", &retire, json!(null)).await.status, 204);
    assert!(!world.is_active(&old).await && world.is_active(&new).await);
    assert!(!believed(&world, &old, "orders-api").await);
    assert_eq!(world.control("DELETE", &retire, json!(null)).await.error(), "404 not_found");
}

#[tokio::test]
async fn the_only_key_of_access_tokens_cannot_be_retired_and_an_unknown_algorithm_not_be_rotated() {
    let world = World::new();
    let kid = part(&world.tokens().await.string("access_token"), 0)["kid"].as_str().unwrap().to_owned();
    assert_eq!(world.control("DELETE", &format!("{KEYS}/{kid}"), json!(null)).await.error(), "400 invalid_request");
    for order in [json!({"alg": "HS256"}), json!({"alg": "none"}), json!({"algorithm": "ES256"}), json!([])] {
        let answer = world.control("POST", &format!("{KEYS}/rotate"), order).await;
        assert_eq!(answer.error(), "400 invalid_request");
    }
}

#[tokio::test]
async fn kept_keys_outlive_the_process_and_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let config = format!("{CONFIG}\nkeys: {{ algorithm: EdDSA, also: [RS256], directory: {} }}", path.display());
    let mut published = Vec::new();
    for _ in 0..2 {
        let world = World::from_text(&config);
        let mut keys = world.get("/jwks").await.json()["keys"].as_array().unwrap().clone();
        keys.sort_by_key(ToString::to_string);
        published.push(keys);
    }
    assert_eq!(published[0], published[1]);
    assert_eq!(published[0].len(), 2);
    for file in std::fs::read_dir(&path).unwrap() {
        assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn given_keys_sign_and_a_key_of_another_algorithm_is_refused() {
    let pem = mock_idp::generate_key(mock_idp::Algorithm::PS256).unwrap();
    let mut config = mock_idp::Config::parse(CONFIG).unwrap();
    config.keys.algorithm = mock_idp::Algorithm::PS256;
    config.keys.pem = vec![mock_idp::config::GivenKey { algorithm: mock_idp::Algorithm::PS256, pem: pem.clone() }];
    assert!(mock_idp::Provider::new(config.clone()).is_ok());
    config.keys.pem[0].algorithm = mock_idp::Algorithm::EdDsa;
    let error = mock_idp::Provider::new(config).unwrap_err().to_string();
    assert!(error.contains("Ed25519") && !error.contains("PRIVATE"), "{error}");
}
