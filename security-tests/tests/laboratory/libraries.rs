//! A library that is sound when it is used as its documents say is a second strict verifier.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use security_tests::verdict::Tier;
use serde_json::{Value, json};

use super::service::Laboratory;
use super::verifier::{AUDIENCE, USERS};

#[test]
fn jsonwebtoken_accepts_no_exploit_of_the_catalogue() {
    let laboratory = Laboratory::new("strict", "http://127.0.0.1:1");
    let jwk = laboratory.key.jwk();
    let key = DecodingKey::from_ec_components(jwk["x"].as_str().unwrap(), jwk["y"].as_str().unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[&laboratory.url]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_nbf = true;
    let accepts = |token: &str| {
        let claims = decode::<Value>(token, &key, &validation).ok()?.claims;
        // What the application adds: a subject is a user.
        USERS.contains(&claims["sub"].as_str()?).then_some(())
    };
    assert!(accepts(&laboratory.mint(&json!({"persona": "alice"}))).is_some());
    let accepted: Vec<&str> = super::tokens(&laboratory)
        .iter()
        // Only the operation knows how strong an authentication it wants (RFC 9470).
        .filter(|(forgery, _)| forgery.tier == Tier::Exploit && forgery.check != "step-up")
        .filter(|(_, token)| accepts(token).is_some())
        .map(|(forgery, _)| forgery.name)
        .collect();
    assert_eq!(accepted, Vec::<&str>::new());
}
