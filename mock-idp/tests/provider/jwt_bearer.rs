//! Assertions of a trusted issuer as a grant (RFC 7523 §2.1).

use serde_json::{Value, json};

use crate::signer::{NOW, Signer, fresh, over};
use crate::support::Answer;
use crate::world::{ISSUER, World};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

fn assertion(signer: &Signer, changes: &Value) -> String {
    let usual =
        json!({"iss": "https://partner.example", "sub": "alice", "aud": ISSUER, "exp": NOW + 60, "jti": fresh()});
    signer.sign(&json!({"alg": "ES256"}), &over(usual, changes))
}

async fn ask(world: &World, assertion: &str) -> Answer {
    let form = [("grant_type", GRANT), ("assertion", assertion), ("scope", "orders:read")];
    world.post("/token", &form, Some(("gateway", "gateway-secret"))).await
}

#[tokio::test]
async fn a_trusted_assertion_brings_a_token_of_the_person_that_ends_with_the_sessions() {
    let world = World::extended();
    let answer = ask(&world, &assertion(&Signer::partner(), &json!({}))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.json()["refresh_token"].is_null());
    let token = answer.string("access_token");
    assert_eq!(world.introspect(&token).await["sub"], "alice");
    world.control("DELETE", "/control/v1/sessions/alice", json!({})).await;
    assert!(!world.is_active(&token).await);
}

#[tokio::test]
async fn a_replayed_expired_misaddressed_or_foreign_assertion_is_refused() {
    let world = World::extended();
    let once = assertion(&Signer::partner(), &json!({}));
    assert_eq!(ask(&world, &once).await.status, 200);
    assert_eq!(ask(&world, &once).await.error(), "400 invalid_grant", "replayed");
    for changes in [
        json!({"exp": NOW}),
        json!({"exp": null}),
        json!({"aud": "https://other.example"}),
        json!({"iss": "https://unknown.example"}),
        json!({"iss": null}),
        json!({"sub": null}),
        json!({"sub": "nobody"}),
        json!({"jti": null}),
    ] {
        assert_eq!(
            ask(&world, &assertion(&Signer::partner(), &changes)).await.error(),
            "400 invalid_grant",
            "{changes}"
        );
    }
    assert_eq!(ask(&world, &assertion(&Signer::new(), &json!({}))).await.error(), "400 invalid_grant", "a foreign key");
    assert_eq!(ask(&world, "garbage").await.error(), "400 invalid_grant");
}

#[tokio::test]
async fn a_client_without_the_grant_is_refused() {
    let form = [("grant_type", GRANT), ("assertion", "x")];
    let answer = World::extended().post("/token", &form, Some(("backend", "backend-secret"))).await;
    assert_eq!(answer.error(), "400 unauthorized_client");
}
