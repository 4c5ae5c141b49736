//! Whom tokens are for (RFC 8707), what exactly they allow (RFC 9396), APIs described (RFC 9728), and signed
//! introspection (RFC 9701).

use axum::body::Body;
use axum::http::Request;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};

use crate::world::{ISSUER, World, part};

const ORDERS: &str = "https://orders.example";
const STOCK: &str = "https://stock.example";

#[tokio::test]
async fn a_token_is_for_the_resource_that_was_asked_for_and_carries_only_its_scopes() {
    let world = World::extended();
    let form = [("grant_type", "client_credentials"), ("scope", "orders:read stock:read"), ("resource", STOCK)];
    let answer = world.post("/token", &form, Some(("gateway", "gateway-secret"))).await;
    let claims = part(&answer.string("access_token"), 1);
    assert_eq!((&claims["aud"], &claims["scope"]), (&json!(STOCK), &json!("stock:read")));
    let both = [("grant_type", "client_credentials"), ("resource", STOCK), ("resource", ORDERS)];
    let answer = world.post("/token", &both, Some(("gateway", "gateway-secret"))).await;
    assert_eq!(part(&answer.string("access_token"), 1)["aud"], json!([ORDERS, STOCK]));
}

#[tokio::test]
async fn a_code_for_one_resource_brings_no_token_for_another() {
    let world = World::extended();
    let code = world.authorize(&[("resource", ORDERS)]).await.sent("code").unwrap();
    let tokens = world.redeem(&code, &[]).await;
    assert_eq!(part(&tokens.string("access_token"), 1)["aud"], ORDERS);
    let refresh = tokens.string("refresh_token");
    assert_eq!(world.refresh(&refresh, &[("resource", STOCK)]).await.error(), "400 invalid_target");
    assert_eq!(world.refresh(&refresh, &[("resource", ORDERS)]).await.status, 200, "the refresh token was not used up");
}

#[tokio::test]
async fn an_unknown_resource_is_refused_where_it_is_asked_for() {
    let world = World::extended();
    assert_eq!(
        world.authorize(&[("resource", "https://other.example")]).await.sent("error").as_deref(),
        Some("invalid_target")
    );
    for resource in ["https://other.example", "not a uri", ORDERS.trim_end_matches('e')] {
        let form = [("grant_type", "client_credentials"), ("resource", resource)];
        assert_eq!(
            world.post("/token", &form, Some(("gateway", "gateway-secret"))).await.error(),
            "400 invalid_target"
        );
    }
}

#[tokio::test]
async fn authorization_details_travel_to_the_token_and_cannot_be_widened() {
    let world = World::extended();
    let (one, two) = (json!({"type": "payment", "amount": 1}), json!({"type": "payment", "amount": 2}));
    let both = json!([one, two]).to_string();
    let code = world.authorize(&[("authorization_details", &both)]).await.sent("code").unwrap();
    let tokens = world.redeem(&code, &[]).await;
    assert_eq!(tokens.json()["authorization_details"], json!([one, two]));
    let refresh = tokens.string("refresh_token");
    let more = json!([{"type": "payment", "amount": 1_000}]).to_string();
    let widened = world.refresh(&refresh, &[("authorization_details", &more)]).await;
    assert_eq!(widened.error(), "400 invalid_authorization_details");
    let narrow = json!([one]).to_string();
    // The refused attempt did not use the refresh token up.
    let narrowed = world.refresh(&refresh, &[("authorization_details", &narrow)]).await;
    assert_eq!(world.introspect(&narrowed.string("access_token")).await["authorization_details"], json!([one]));
}

#[tokio::test]
async fn the_login_page_shows_what_exactly_is_asked_for_and_an_opaque_token_stands_for_it() {
    let world = World::extended();
    let details = json!([{"type": "payment", "payee": "<b>mallory</b>"}]).to_string();
    let page = world.authorize(&[("authorization_details", &details), ("prompt", "login")]).await.text();
    assert!(page.contains("mallory") && !page.contains("<b>mallory"), "{page}");
    let world = World::opaque_with("authorization_details_types: [payment]\n");
    let code = world.authorize(&[("authorization_details", &details)]).await.sent("code").unwrap();
    let token = world.redeem(&code, &[]).await.string("access_token");
    assert_eq!(world.introspect(&token).await["authorization_details"][0]["payee"], "<b>mallory</b>");
}

#[tokio::test]
async fn authorization_details_of_an_unknown_type_or_shape_are_refused() {
    let world = World::extended();
    for details in ["[{\"type\":\"admin\"}]", "[{}]", "{}", "[]", "garbage", "[1]"] {
        let answer = world.authorize(&[("authorization_details", details)]).await;
        assert_eq!(answer.sent("error").as_deref(), Some("invalid_authorization_details"), "{details}");
    }
}

#[tokio::test]
async fn an_api_can_read_its_own_description() {
    let world = World::extended();
    let document = world.get(&format!("/resources/metadata?resource={ORDERS}")).await.json();
    assert_eq!(document["resource"], ORDERS);
    assert_eq!(document["authorization_servers"], json!([ISSUER]));
    assert_eq!(
        (&document["scopes_supported"], &document["resource_name"]),
        (&json!(["orders:read"]), &json!("Orders"))
    );
    let metadata = world.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["protected_resources"], json!([ORDERS, STOCK]));
    assert_eq!(world.get("/resources/metadata?resource=https://other.example").await.error(), "404 not_found");
    assert_eq!(world.get("/resources/metadata").await.error(), "400 invalid_request");
}

#[tokio::test]
async fn introspection_can_be_signed_for_the_one_who_asks() {
    let world = World::extended();
    let keys: JwkSet = serde_json::from_slice(&world.get("/jwks").await.body).unwrap();
    for (token, active) in [(world.tokens().await.string("access_token"), true), ("garbage".to_owned(), false)] {
        let request = Request::post("/introspect")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", "Basic YXBpOmFwaS1zZWNyZXQ=")
            .header("accept", "application/token-introspection+jwt")
            .body(Body::from(format!("token={token}")));
        let answer = world.send(request.unwrap()).await;
        assert_eq!(answer.header("content-type"), "application/token-introspection+jwt");
        let jwt = answer.text();
        assert_eq!(part(&jwt, 0)["typ"], "token-introspection+jwt");
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&["api"]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["iss", "aud"]);
        let key = DecodingKey::from_jwk(keys.find(part(&jwt, 0)["kid"].as_str().unwrap()).unwrap()).unwrap();
        let claims = decode::<Value>(&jwt, &key, &validation).unwrap().claims;
        assert_eq!(claims["token_introspection"]["active"], active);
        assert!(claims["sub"].is_null() && claims["exp"].is_null(), "it cannot pass for an access token");
        assert!(!world.is_active(&jwt).await);
    }
}
