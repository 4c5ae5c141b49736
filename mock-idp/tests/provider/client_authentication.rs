//! How clients prove who they are, and how attackers try to (RFC 7523 §3, OpenID Connect Core §9).

use aws_lc_rs::hmac;
use serde_json::json;

use crate::signer::{NOW, Signer, encode};
use crate::support::Answer;
use crate::world::{ISSUER, World};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async fn ask(world: &World, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let mut form =
        vec![("grant_type", "client_credentials"), ("client_assertion_type", TYPE), ("client_assertion", assertion)];
    form.extend(more);
    world.post("/token", &form, None).await
}

#[tokio::test]
async fn an_assertion_addressed_to_the_issuer_or_to_the_token_endpoint_authenticates() {
    for audience in [json!(ISSUER), json!("http://localhost:9400/token"), json!([ISSUER])] {
        let assertion = Signer::client().assertion(&json!({ "aud": audience }));
        assert_eq!(ask(&World::extended(), &assertion, &[]).await.status, 200, "{audience}");
    }
    let assertion = Signer::hmac("hashing", "a-secret-of-thirty-two-characters");
    assert_eq!(ask(&World::extended(), &assertion, &[("client_id", "hashing")]).await.status, 200);
}

#[tokio::test]
async fn a_reused_assertion_is_refused() {
    let world = World::extended();
    let assertion = Signer::client().assertion(&json!({}));
    assert_eq!(ask(&world, &assertion, &[]).await.status, 200);
    assert_eq!(ask(&world, &assertion, &[]).await.error(), "401 invalid_client");
    let same_id = Signer::client().assertion(&json!({"exp": NOW + 61}));
    assert_eq!(ask(&world, &same_id, &[]).await.error(), "401 invalid_client", "another assertion, the same `jti`");
    let next = Signer::client().assertion(&json!({"jti": "assertion-2"}));
    assert_eq!(ask(&world, &next, &[]).await.status, 200, "the control");
}

#[tokio::test]
async fn an_assertion_with_any_wrong_claim_is_refused() {
    let world = World::extended();
    let wrong = [
        json!({"aud": "https://other.example"}),
        json!({"aud": [ISSUER, "https://other.example"]}),
        json!({"aud": []}),
        json!({"aud": null}),
        json!({"exp": NOW}),
        json!({"exp": null}),
        json!({"exp": "soon"}),
        json!({"exp": NOW + 1_000_000}),
        json!({"nbf": NOW + 60}),
        json!({"iat": NOW + 60}),
        json!({"jti": null}),
        json!({"iss": "web"}),
        json!({"sub": "backend"}),
        json!({"sub": null}),
    ];
    for claims in wrong {
        let answer = ask(&world, &Signer::client().assertion(&claims), &[]).await;
        assert_eq!(answer.error(), "401 invalid_client", "{claims}");
        assert!(answer.text().contains("error_description"), "{claims}");
    }
}

#[tokio::test]
async fn an_assertion_with_alg_none_an_hmac_under_the_public_key_or_a_foreign_key_is_refused() {
    let world = World::extended();
    let claims = json!({"iss": "signing", "sub": "signing", "aud": ISSUER, "jti": "x", "exp": NOW + 60});
    let unsigned = format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(claims.to_string()));
    let input = format!("{}.{}", encode(r#"{"alg":"HS256"}"#), encode(claims.to_string()));
    let public = hmac::Key::new(hmac::HMAC_SHA256, Signer::client().jwks().to_string().as_bytes());
    let confused = format!("{input}.{}", encode(hmac::sign(&public, input.as_bytes())));
    let attacker = Signer::new();
    let foreign = attacker.assertion(&json!({}));
    let brought_along = attacker.sign(&json!({"alg": "ES256", "jwk": attacker.jwk()}), &claims);
    let another_purpose = Signer::client().sign(&json!({"alg": "ES256", "typ": "dpop+jwt"}), &claims);
    for assertion in
        [unsigned, confused, foreign, brought_along, another_purpose, "garbage".to_owned(), "..".to_owned()]
    {
        assert_eq!(ask(&world, &assertion, &[]).await.error(), "401 invalid_client", "{assertion}");
    }
}

#[tokio::test]
async fn the_assertion_of_one_client_does_not_authenticate_another() {
    let world = World::extended();
    let own = Signer::client().assertion(&json!({}));
    assert_eq!(ask(&world, &own, &[("client_id", "backend")]).await.error(), "400 invalid_request");
    let other = Signer::client().assertion(&json!({"iss": "hashing", "sub": "hashing"}));
    assert_eq!(
        ask(&world, &other, &[]).await.error(),
        "401 invalid_client",
        "a client with a secret, signed with a key"
    );
    let wrong_secret = Signer::hmac("hashing", "another-secret-of-32-characters!!");
    assert_eq!(ask(&world, &wrong_secret, &[]).await.error(), "401 invalid_client");
}

#[tokio::test]
async fn a_client_cannot_fall_back_to_a_weaker_method_than_it_is_registered_for() {
    let world = World::extended();
    let cases: [&[(&str, &str)]; 3] = [
        &[("client_id", "signing")],
        &[("client_id", "signing"), ("client_secret", "x")],
        &[("client_id", "hashing"), ("client_secret", "a-secret-of-thirty-two-characters")],
    ];
    for fields in cases {
        let form = [&[("grant_type", "client_credentials")], fields].concat();
        assert_eq!(world.post("/token", &form, None).await.error(), "401 invalid_client", "{fields:?}");
    }
}

#[tokio::test]
async fn two_methods_at_once_and_an_unknown_assertion_type_are_refused() {
    let world = World::extended();
    let assertion = Signer::client().assertion(&json!({}));
    assert_eq!(ask(&world, &assertion, &[("client_secret", "x")]).await.error(), "400 invalid_request");
    let form =
        [("grant_type", "client_credentials"), ("client_assertion_type", "saml"), ("client_assertion", &assertion)];
    assert_eq!(world.post("/token", &form, None).await.error(), "400 invalid_request");
}

#[tokio::test]
async fn an_assertion_authenticates_at_introspection_and_revocation_too() {
    let world = World::extended();
    let token = world.tokens().await.string("access_token");
    let assertion = |id: &str| Signer::client().assertion(&json!({ "jti": id }));
    for (path, id) in [("/introspect", "a"), ("/revoke", "b")] {
        let assertion = assertion(id);
        let form = [("token", token.as_str()), ("client_assertion_type", TYPE), ("client_assertion", &assertion)];
        let answer = world.post(path, &form, None).await;
        assert_ne!(answer.error(), "401 invalid_client", "{path}");
        assert_eq!(world.post(path, &form, None).await.error(), "401 invalid_client", "{path}: reused");
    }
}
