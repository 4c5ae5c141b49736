//! Proof of possession (RFC 9449).

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::signer::{NOW, Signer, encode, sha256};
use crate::support::Answer;
use crate::world::{CALLBACK, VERIFIER, World, part};

async fn redeem(world: &World, code: &str, proof: &str) -> Answer {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "web"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    world.post_with_proof("/token", &form, proof).await
}

async fn tokens(world: &World, signer: &Signer) -> Answer {
    redeem(world, &world.code().await, &signer.proof(&json!({}))).await
}

async fn refresh(world: &World, token: &str, proof: &str) -> Answer {
    let form = [("grant_type", "refresh_token"), ("client_id", "web"), ("refresh_token", token)];
    world.post_with_proof("/token", &form, proof).await
}

async fn userinfo(world: &World, scheme: &str, token: &str, proof: Option<&str>) -> Answer {
    let mut request = Request::get("/userinfo").header("authorization", format!("{scheme} {token}"));
    if let Some(proof) = proof {
        request = request.header("dpop", proof);
    }
    world.send(request.body(Body::empty()).unwrap()).await
}

fn for_userinfo(signer: &Signer, token: &str, changes: &Value) -> String {
    let usual = json!({"htm": "GET", "htu": "http://localhost:9400/userinfo", "ath": sha256(token)});
    signer.proof(&crate::signer::over(usual, changes))
}

#[tokio::test]
async fn a_proof_binds_the_token_to_its_key_and_introspection_says_so() {
    for world in [World::new(), World::opaque()] {
        let signer = Signer::new();
        let answer = tokens(&world, &signer).await;
        assert_eq!(answer.string("token_type"), "DPoP");
        let token = answer.string("access_token");
        if token.contains('.') {
            assert_eq!(part(&token, 1)["cnf"]["jkt"], signer.thumbprint());
        }
        let inside = world.introspect(&token).await;
        assert_eq!((&inside["cnf"]["jkt"], &inside["token_type"]), (&json!(signer.thumbprint()), &json!("DPoP")));
        let proof = for_userinfo(&signer, &token, &json!({}));
        assert_eq!(userinfo(&world, "DPoP", &token, Some(&proof)).await.status, 200);
    }
}

#[tokio::test]
async fn a_proof_with_any_wrong_claim_is_refused_and_the_code_stays_good() {
    let world = World::new();
    let (signer, code) = (Signer::new(), world.code().await);
    for changes in [
        json!({"htm": "GET"}),
        json!({"htm": "post"}),
        json!({"htm": null}),
        json!({"htu": "http://localhost:9400/userinfo"}),
        json!({"htu": "http://attacker.example/token"}),
        json!({"htu": "https://localhost:9400/token"}),
        json!({"htu": null}),
        json!({"iat": NOW - 60}),
        json!({"iat": NOW + 6}),
        json!({"iat": null}),
        json!({"iat": "now"}),
        json!({"jti": null}),
        json!({"jti": ""}),
    ] {
        let answer = redeem(&world, &code, &signer.proof(&changes)).await;
        assert_eq!(answer.error(), "400 invalid_dpop_proof", "{changes}");
    }
    let query = signer.proof(&json!({"htu": "http://LOCALHOST:9400/token?x=1#y"}));
    assert_eq!(redeem(&world, &code, &query).await.status, 200, "query, fragment and case of the host do not count");
}

#[tokio::test]
async fn a_proof_with_any_wrong_header_or_signature_is_refused() {
    let world = World::new();
    let (signer, code) = (Signer::new(), world.code().await);
    let mut private = signer.jwk();
    private["d"] = json!("AAAA");
    for header in [
        json!({"typ": "JWT"}),
        json!({"typ": null}),
        json!({"alg": "none"}),
        json!({"alg": "HS256"}),
        json!({"jwk": null}),
        json!({"jwk": Signer::new().jwk()}),
        json!({"jwk": private}),
        json!({"jwk": {"kty": "oct", "k": "AAAA"}}),
        json!({"crit": ["x"]}),
    ] {
        let answer = redeem(&world, &code, &signer.proof_with_header(&header, &json!({}))).await;
        assert_eq!(answer.error(), "400 invalid_dpop_proof", "{header}");
    }
    let unsigned = format!("{}.{}.", encode(r#"{"alg":"none","typ":"dpop+jwt"}"#), encode("{}"));
    for proof in [unsigned.as_str(), "garbage", "..", ""] {
        assert_eq!(redeem(&world, &code, proof).await.error(), "400 invalid_dpop_proof", "{proof}");
    }
}

#[tokio::test]
async fn a_replayed_proof_is_refused() {
    let world = World::new();
    let proof = Signer::new().proof(&json!({}));
    assert_eq!(redeem(&world, &world.code().await, &proof).await.status, 200);
    assert_eq!(redeem(&world, &world.code().await, &proof).await.error(), "400 invalid_dpop_proof");
}

#[tokio::test]
async fn two_proofs_at_once_are_refused() {
    let request = Request::post("/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("dpop", Signer::new().proof(&json!({})))
        .header("dpop", Signer::new().proof(&json!({})))
        .body(Body::from("grant_type=authorization_code&client_id=web"));
    assert_eq!(World::new().send(request.unwrap()).await.error(), "400 invalid_request");
}

#[tokio::test]
async fn a_bound_token_is_refused_as_bearer_and_an_unbound_one_as_dpop() {
    let world = World::new();
    let signer = Signer::new();
    let token = tokens(&world, &signer).await.string("access_token");
    let proof = for_userinfo(&signer, &token, &json!({}));
    assert_eq!(userinfo(&world, "Bearer", &token, None).await.error(), "401 invalid_token");
    assert_eq!(userinfo(&world, "Bearer", &token, Some(&proof)).await.error(), "401 invalid_token");
    let unbound = world.tokens().await.string("access_token");
    let proof = for_userinfo(&signer, &unbound, &json!({}));
    assert_eq!(userinfo(&world, "DPoP", &unbound, Some(&proof)).await.error(), "401 invalid_token");
}

#[tokio::test]
async fn a_stolen_token_is_refused_with_no_proof_a_foreign_one_or_one_for_another_token() {
    let world = World::new();
    let (signer, thief) = (Signer::new(), Signer::new());
    let token = tokens(&world, &signer).await.string("access_token");
    let none = userinfo(&world, "DPoP", &token, None).await;
    assert_eq!(none.error(), "401 invalid_dpop_proof");
    assert!(none.header("www-authenticate").starts_with("DPoP error=\"invalid_dpop_proof\""));
    let foreign = for_userinfo(&thief, &token, &json!({}));
    assert_eq!(userinfo(&world, "DPoP", &token, Some(&foreign)).await.error(), "401 invalid_token");
    for changes in [json!({"ath": sha256("another")}), json!({"ath": null}), json!({"htm": "POST"})] {
        let proof = for_userinfo(&signer, &token, &changes);
        assert_eq!(userinfo(&world, "DPoP", &token, Some(&proof)).await.error(), "401 invalid_dpop_proof", "{changes}");
    }
}

#[tokio::test]
async fn a_provider_that_wants_nonces_gives_one_and_takes_no_other() {
    let world = World::extended_with("dpop: { nonce: true }\n");
    let (signer, code) = (Signer::new(), world.code().await);
    let first = redeem(&world, &code, &signer.proof(&json!({}))).await;
    assert_eq!(first.error(), "400 use_dpop_nonce");
    let nonce = first.header("dpop-nonce").to_owned();
    let wrong = redeem(&world, &code, &signer.proof(&json!({"nonce": "guess"}))).await;
    assert_eq!(wrong.error(), "400 use_dpop_nonce");
    let right = redeem(&world, &code, &signer.proof(&json!({ "nonce": nonce }))).await;
    assert_eq!(right.status, 200);
    let token = right.string("access_token");
    let unasked = for_userinfo(&signer, &token, &json!({}));
    let refused = userinfo(&world, "DPoP", &token, Some(&unasked)).await;
    assert_eq!(refused.error(), "401 use_dpop_nonce");
    assert!(!refused.header("dpop-nonce").is_empty());
    let asked = for_userinfo(&signer, &token, &json!({ "nonce": nonce }));
    assert_eq!(userinfo(&world, "DPoP", &token, Some(&asked)).await.status, 200);
    world.clock.advance(120);
    let late = signer.proof(&json!({"nonce": nonce, "iat": NOW + 120}));
    assert_eq!(redeem(&world, &world.code().await, &late).await.error(), "400 use_dpop_nonce", "an old nonce");
}

#[tokio::test]
async fn the_refresh_token_of_a_public_client_works_only_with_its_key() {
    let world = World::new();
    let (signer, thief) = (Signer::new(), Signer::new());
    let token = tokens(&world, &signer).await.string("refresh_token");
    assert_eq!(world.refresh(&token, &[]).await.error(), "400 invalid_grant", "no proof");
    assert_eq!(refresh(&world, &token, &thief.proof(&json!({}))).await.error(), "400 invalid_grant", "another key");
    let next = refresh(&world, &token, &signer.proof(&json!({}))).await;
    assert_eq!((next.status.as_u16(), next.string("token_type").as_str()), (200, "DPoP"));
    assert_eq!(world.refresh(&next.string("refresh_token"), &[]).await.error(), "400 invalid_grant", "bound for ever");
}

#[tokio::test]
async fn a_code_that_is_bound_by_dpop_jkt_is_worthless_to_a_thief() {
    let world = World::new();
    let (signer, thief) = (Signer::new(), Signer::new());
    let code = world.authorize(&[("dpop_jkt", &signer.thumbprint())]).await.sent("code").unwrap();
    assert_eq!(world.redeem(&code, &[]).await.error(), "400 invalid_grant");
    assert_eq!(redeem(&world, &code, &thief.proof(&json!({}))).await.error(), "400 invalid_grant");
    assert_eq!(redeem(&world, &code, &signer.proof(&json!({}))).await.status, 200);
}

#[tokio::test]
async fn a_client_that_is_registered_for_dpop_cannot_leave_the_proof_out() {
    let world = World::extended();
    let callback = "http://localhost:8086/callback";
    let code = world.authorize(&[("client_id", "bound"), ("redirect_uri", callback)]).await.sent("code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "bound"),
        ("code", &code),
        ("redirect_uri", callback),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(world.post("/token", &form, None).await.error(), "400 invalid_request");
    assert_eq!(world.post_with_proof("/token", &form, &Signer::new().proof(&json!({}))).await.status, 200);
}

#[tokio::test]
async fn a_snapshot_keeps_what_a_token_is_bound_to_how_it_was_got_and_what_was_used() {
    let world = World::extended();
    let signer = Signer::new();
    let code = world.authorize(&[("acr_values", "mfa"), ("resource", "https://orders.example")]).await.sent("code");
    let proof = signer.proof(&json!({}));
    let tokens = redeem(&world, &code.unwrap(), &proof).await;
    let refresh_token = tokens.string("refresh_token");
    let snapshot = world.control("GET", "/control/v1/snapshot", json!(null)).await.json();
    assert_eq!(world.control("PUT", "/control/v1/snapshot", snapshot).await.status, 204);
    assert_eq!(
        refresh(&world, &refresh_token, &proof).await.error(),
        "400 invalid_dpop_proof",
        "a used proof stays used"
    );
    let thief = Signer::new().proof(&json!({}));
    assert_eq!(refresh(&world, &refresh_token, &thief).await.error(), "400 invalid_grant");
    let fresh = refresh(&world, &refresh_token, &signer.proof(&json!({}))).await;
    let claims = part(&fresh.string("access_token"), 1);
    assert_eq!((&claims["acr"], &claims["aud"]), (&json!("mfa"), &json!("https://orders.example")));
    assert_eq!(claims["cnf"]["jkt"], signer.thumbprint());
}
