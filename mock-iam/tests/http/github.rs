//! GitHub Actions' provider: a workflow run gets a token that stands up to verification.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::common::{Server, config};

fn server() -> Server {
    let mut config = config();
    let caller = json!({ "token": "runner-token", "may": ["github_token"] });
    config.callers.insert("runner".into(), serde_json::from_value(caller).unwrap());
    config.github =
        Some(serde_json::from_value(json!({ "repository": "acme/orders", "claims": { "actor": "alice" } })).unwrap());
    Server::with(config)
}

#[tokio::test]
async fn a_run_gets_a_token_of_its_repository_and_ref_for_the_audience_that_it_asks_for() {
    let server = server();
    let answer =
        server.call("runner", "GET", "/github/token?api-version=2.0&audience=sts.amazonaws.com", Value::Null).await;
    let token = answer.json()["value"].as_str().unwrap().to_owned();
    let metadata = server.call("nobody", "GET", "/github/.well-known/openid-configuration", Value::Null).await.json();
    let path = metadata["jwks_uri"].as_str().unwrap().strip_prefix("http://localhost:9410").unwrap();
    let keys: JwkSet = serde_json::from_value(server.call("nobody", "GET", path, Value::Null).await.json()).unwrap();
    let key = keys.find(&jsonwebtoken::decode_header(&token).unwrap().kid.unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[metadata["issuer"].as_str().unwrap()]);
    validation.set_audience(&["sts.amazonaws.com"]);
    let claims =
        jsonwebtoken::decode::<Value>(&token, &DecodingKey::from_jwk(key).unwrap(), &validation).unwrap().claims;
    assert_eq!((&claims["sub"], &claims["actor"]), (&json!("repo:acme/orders:ref:refs/heads/main"), &json!("alice")));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
}

#[tokio::test]
async fn a_token_is_only_for_those_with_the_permission_and_where_a_workflow_is_configured() {
    assert_eq!(server().call("api", "GET", "/github/token", Value::Null).await.status, 403);
    let mut config = config();
    let caller = json!({ "token": "runner-token", "may": ["github_token"] });
    config.callers.insert("runner".into(), serde_json::from_value(caller).unwrap());
    assert_eq!(Server::with(config).call("runner", "GET", "/github/token", Value::Null).await.status, 404);
}
