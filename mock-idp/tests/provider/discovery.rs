//! What is announced is there.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::world::{ISSUER, World};

#[tokio::test]
async fn both_documents_are_equal_and_name_the_issuer() {
    let world = World::new();
    let openid = world.get("/.well-known/openid-configuration").await;
    let oauth = world.get("/.well-known/oauth-authorization-server").await;
    assert_eq!(openid.json(), oauth.json());
    assert_eq!(openid.json()["issuer"], ISSUER);
}

#[tokio::test]
async fn every_announced_endpoint_answers() {
    let world = World::new();
    let document = world.get("/.well-known/openid-configuration").await.json();
    let mut found = 0;
    for (name, value) in document.as_object().unwrap() {
        if !name.ends_with("_endpoint") && name != "jwks_uri" {
            continue;
        }
        found += 1;
        let path = value.as_str().unwrap().strip_prefix(ISSUER).unwrap();
        let (get, post) = (world.get(path).await, world.post(path, &[], None).await);
        assert!(get.status != 405 || post.status != 405, "{name}");
        assert!(get.status != 404 && post.status != 404, "{name}");
    }
    assert_eq!(found, 10);
}

#[tokio::test]
async fn every_announced_grant_type_is_known_and_no_other() {
    let world = World::new();
    let document = world.get("/.well-known/openid-configuration").await.json();
    for grant in document["grant_types_supported"].as_array().unwrap() {
        let form = [("grant_type", grant.as_str().unwrap()), ("client_id", "web")];
        assert_ne!(world.post("/token", &form, None).await.error(), "400 unsupported_grant_type", "{grant}");
    }
    for grant in ["password", "implicit", "urn:openid:params:grant-type:none"] {
        let form = [("grant_type", grant), ("client_id", "web")];
        assert_eq!(world.post("/token", &form, None).await.error(), "400 unsupported_grant_type", "{grant}");
    }
}

#[tokio::test]
async fn the_published_key_has_no_private_part() {
    let keys = World::new().get("/jwks").await.json();
    let key = &keys["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"], &key["use"]),
        (&json!("EC"), &json!("P-256"), &json!("ES256"), &json!("sig"))
    );
    assert!(key["d"].is_null() && key["kid"].is_string());
}

#[tokio::test]
async fn scripts_of_any_origin_reach_token_userinfo_keys_and_discovery_and_nothing_else() {
    let world = World::new();
    let allowed = |path: &'static str| {
        let request = Request::options(path)
            .header("origin", "http://app.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type");
        world.send(request.body(Body::empty()).unwrap())
    };
    for path in ["/token", "/userinfo", "/jwks", "/.well-known/openid-configuration"] {
        assert_eq!(allowed(path).await.header("access-control-allow-origin"), "*", "{path}");
    }
    for path in ["/authorize", "/login", "/introspect", "/revoke", "/control/v1/tokens", "/control/v1/reset"] {
        assert_eq!(allowed(path).await.header("access-control-allow-origin"), "", "{path}");
    }
}

#[tokio::test]
async fn health_is_ok_and_an_unknown_path_is_a_taught_404() {
    let world = World::new();
    assert_eq!(world.get("/health").await.json(), json!({"status": "ok"}));
    let missing = world.get("/oauth/token").await;
    assert_eq!(missing.status, 404);
    assert!(missing.text().contains("openid-configuration"));
}
