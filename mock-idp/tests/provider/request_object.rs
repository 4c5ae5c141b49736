//! Signed authorization requests (RFC 9101).

use serde_json::{Value, json};

use crate::signer::{NOW, Signer, encode as base64url, fresh, over};
use crate::support::Answer;
use crate::world::{CHALLENGE, ISSUER, World, encode};

fn claims(changes: &Value) -> Value {
    let usual = json!({
        "iss": "signed", "aud": ISSUER, "exp": NOW + 60, "jti": fresh(), "client_id": "signed",
        "redirect_uri": "http://localhost:8085/callback", "response_type": "code", "scope": "openid",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256", "state": "signed-state",
        "prompt": "none", "login_hint": "alice", "max_age": 300,
    });
    over(usual, changes)
}

fn object(changes: &Value) -> String {
    Signer::client().sign(&json!({"alg": "ES256", "typ": "oauth-authz-req+jwt"}), &claims(changes))
}

async fn visit(world: &World, request: &str, more: &[(&str, &str)]) -> Answer {
    let mut fields = vec![("client_id", "signed"), ("request", request)];
    fields.extend(more);
    world.get(&format!("/authorize?{}", encode(&fields))).await
}

#[tokio::test]
async fn a_signed_request_brings_a_code_with_the_parameters_that_were_signed() {
    let answer = visit(&World::extended(), &object(&json!({})), &[]).await;
    assert_eq!(answer.sent("state").as_deref(), Some("signed-state"));
    assert!(answer.sent("code").is_some());
}

#[tokio::test]
async fn an_unsigned_request_object_and_one_of_a_foreign_key_are_refused() {
    let world = World::extended();
    let unsigned = format!("{}.{}.", base64url(r#"{"alg":"none"}"#), base64url(claims(&json!({})).to_string()));
    let header = json!({"alg": "ES256", "typ": "oauth-authz-req+jwt"});
    let foreign = Signer::new().sign(&header, &claims(&json!({})));
    let hmac = Signer::client().sign(&json!({"alg": "HS256", "typ": "oauth-authz-req+jwt"}), &claims(&json!({})));
    let untyped = Signer::client().sign(&json!({"alg": "ES256"}), &claims(&json!({})));
    for request in [unsigned, foreign, hmac, untyped, "garbage".to_owned()] {
        let answer = visit(&world, &request, &[]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""), "{request}");
        assert!(answer.text().contains("invalid_request_object"), "{request}");
    }
}

#[tokio::test]
async fn a_request_object_with_any_wrong_claim_is_refused() {
    let world = World::extended();
    for changes in [
        json!({"aud": "https://other.example"}),
        json!({"aud": null}),
        json!({"iss": "web"}),
        json!({"client_id": "web"}),
        json!({"client_id": null}),
        json!({"exp": NOW}),
        json!({"exp": null}),
        json!({"nbf": NOW + 100}),
        json!({"sub": "signed"}),
        json!({"request": "x.y.z"}),
        json!({"request_uri": "urn:x"}),
    ] {
        let answer = visit(&world, &object(&changes), &[]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""), "{changes}");
    }
}

#[tokio::test]
async fn a_replayed_request_object_is_refused() {
    let world = World::extended();
    for changes in [json!({}), json!({"jti": null, "state": "no-identifier"})] {
        let request = object(&changes);
        assert!(visit(&world, &request, &[]).await.sent("code").is_some());
        assert!(visit(&world, &request, &[]).await.text().contains("used before"), "{changes}");
    }
}

#[tokio::test]
async fn parameters_outside_the_request_object_are_refused() {
    let world = World::extended();
    for (name, value) in [("scope", "orders:read"), ("nonce", "planted"), ("resource", "https://orders.example")] {
        let answer = visit(&world, &object(&json!({})), &[(name, value)]).await;
        assert!(answer.header("location").is_empty() && answer.text().contains(name), "{name}: {}", answer.text());
    }
    let same = visit(&world, &object(&json!({})), &[("response_type", "code"), ("scope", "openid")]).await;
    assert!(same.sent("code").is_some(), "OpenID Connect Core §6.1 repeats some outside");
}

#[tokio::test]
async fn a_client_that_must_sign_cannot_leave_it_out() {
    let world = World::extended();
    let plain = [("client_id", "signed"), ("redirect_uri", "http://localhost:8085/callback")];
    assert_eq!(world.authorize(&plain).await.sent("error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn a_client_without_keys_cannot_send_a_request_object() {
    let world = World::extended();
    let request = object(&json!({"iss": "web", "client_id": "web"}));
    let answer = world.get(&format!("/authorize?client_id=web&request={request}")).await;
    assert!(answer.text().contains("no `jwks`") || answer.text().contains("no &#96;jwks&#96;"), "{}", answer.text());
}

#[tokio::test]
async fn a_request_object_can_be_pushed_and_counts_as_signed() {
    let world = World::extended();
    let request = object(&json!({}));
    let pushed = world.post("/par", &[("client_id", "signed"), ("request", &request)], None).await;
    assert_eq!(pushed.status, 201, "{}", pushed.text());
    let uri = pushed.string("request_uri");
    let answer = world.get(&format!("/authorize?{}", encode(&[("client_id", "signed"), ("request_uri", &uri)]))).await;
    assert!(answer.sent("code").is_some());
    let request_two = object(&json!({}));
    let beside = [("client_id", "signed"), ("request", request_two.as_str()), ("scope", "orders:read")];
    assert_eq!(world.post("/par", &beside, None).await.error(), "400 invalid_request_object");
}
