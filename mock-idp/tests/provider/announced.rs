//! The metadata, member by member: what is announced is tried. A member that nobody tries fails the test.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};
use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::signer::{NOW, Signer, encode, fresh};
use crate::world::{CHALLENGE, ISSUER, World, part};

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Made once: it takes a third of a second.
static RSA: LazyLock<Arc<RsaKeyPair>> = LazyLock::new(|| Arc::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()));

type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// A key for an algorithm: its public half, and a signature.
struct Key {
    jwk: Value,
    sign: Sign,
}

fn key(algorithm: &str) -> Key {
    let padding = match algorithm {
        "EdDSA" => {
            let pair = Ed25519KeyPair::generate().unwrap();
            let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key())});
            return Key { jwk, sign: Box::new(move |message| pair.sign(message).as_ref().to_vec()) };
        }
        "ES256" => {
            let signer = Signer::new();
            return Key { jwk: signer.jwk(), sign: Box::new(move |message| signer.raw(message)) };
        }
        "RS256" => &RSA_PKCS1_SHA256,
        "PS256" => &RSA_PSS_SHA256,
        other => panic!("announced and not tried: {other}"),
    };
    let pair = Arc::clone(&RSA);
    let public: RsaPublicKeyComponents<Vec<u8>> = RsaPublicKeyComponents::from(pair.public_key());
    let jwk = json!({"kty": "RSA", "n": encode(public.n), "e": encode(public.e)});
    let sign = move |message: &[u8]| {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(padding, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    };
    Key { jwk, sign: Box::new(sign) }
}

impl Key {
    fn jwt(&self, header: &Value, claims: &Value) -> String {
        let input = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        format!("{input}.{}", encode((self.sign)(input.as_bytes())))
    }
}

/// A client that registered this key for assertions and request objects.
async fn registered(world: &World, key: &Key) -> String {
    let metadata = json!({
        "redirect_uris": ["http://localhost:5000/callback"], "token_endpoint_auth_method": "private_key_jwt",
        "grant_types": ["authorization_code", "client_credentials"], "jwks": {"keys": [key.jwk]},
    });
    register(world, &metadata).await
}

async fn register(world: &World, metadata: &Value) -> String {
    let request = Request::post("/register")
        .header("content-type", "application/json")
        .header("authorization", "Bearer initial-token-of-team-a")
        .body(Body::from(metadata.to_string()));
    world.send(request.unwrap()).await.string("client_id")
}

fn assertion(key: &Key, algorithm: &str, client: &str) -> String {
    let claims = json!({"iss": client, "sub": client, "aud": ISSUER, "jti": fresh(), "exp": NOW + 60});
    key.jwt(&json!({ "alg": algorithm }), &claims)
}

async fn try_assertion(world: &World, path: &str, algorithm: &str) {
    if algorithm == "HS256" {
        return; // `client_secret_jwt`, tried with the methods.
    }
    let key = key(algorithm);
    let client = registered(world, &key).await;
    let assertion = assertion(&key, algorithm, &client);
    let form = [("grant_type", "client_credentials"), ("token", "x"), ("client_assertion_type", ASSERTION)];
    let form = [form.as_slice(), &[("client_assertion", assertion.as_str())]].concat();
    assert_eq!(world.post(path, &form, None).await.status, 200, "{path} {algorithm}");
}

async fn try_request_object(world: &World, algorithm: &str) {
    let key = key(algorithm);
    let client = registered(world, &key).await;
    let claims = json!({
        "iss": client, "client_id": client, "aud": ISSUER, "exp": NOW + 60, "response_type": "code",
        "redirect_uri": "http://localhost:5000/callback", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        "prompt": "none", "login_hint": "alice",
    });
    let request = key.jwt(&json!({"alg": algorithm, "typ": "oauth-authz-req+jwt"}), &claims);
    let answer = world.get(&format!("/authorize?client_id={client}&request={request}")).await;
    assert!(answer.sent("code").is_some(), "{algorithm}: {}", answer.text());
}

async fn try_proof(world: &World, algorithm: &str) {
    let key = key(algorithm);
    let header = json!({"alg": algorithm, "typ": "dpop+jwt", "jwk": key.jwk});
    let claims = json!({"htm": "POST", "htu": "http://localhost:9400/token", "jti": fresh(), "iat": NOW});
    let form = [("grant_type", "client_credentials"), ("client_id", "backend"), ("client_secret", "backend-secret")];
    let answer = world.post_with_proof("/token", &form, &key.jwt(&header, &claims)).await;
    assert_eq!(answer.json()["token_type"], "DPoP", "{algorithm}: {}", answer.text());
}

async fn try_method(world: &World, path: &str, method: &str) {
    let usual = [("grant_type", "x"), ("token", "x")];
    let hashing = Signer::hmac("hashing", "a-secret-of-thirty-two-characters");
    let signing = Signer::client().assertion(&json!({"jti": fresh()}));
    let (more, basic): (Vec<(&str, &str)>, _) = match method {
        "none" => (vec![("client_id", "web")], None),
        "client_secret_basic" => (vec![], Some(("backend", "backend-secret"))),
        "client_secret_post" => (vec![("client_id", "backend"), ("client_secret", "backend-secret")], None),
        "client_secret_jwt" => (vec![("client_assertion_type", ASSERTION), ("client_assertion", &hashing)], None),
        "private_key_jwt" => (vec![("client_assertion_type", ASSERTION), ("client_assertion", &signing)], None),
        other => panic!("announced and not tried: {other}"),
    };
    let answer = world.post(path, &[usual.as_slice(), &more].concat(), basic).await;
    assert_ne!(answer.status, 401, "{path} {method}: {}", answer.text());
}

/// A client that registered for an algorithm gets ID tokens under it, by a published key.
async fn try_id_token(world: &World, algorithm: &str) {
    let callback = "http://localhost:5000/callback";
    let metadata = json!({
        "redirect_uris": [callback], "token_endpoint_auth_method": "none", "id_token_signed_response_alg": algorithm,
    });
    let id = register(world, &metadata).await;
    let changes = [("client_id", id.as_str()), ("redirect_uri", callback)];
    let code = world.authorize(&changes).await.sent("code").unwrap();
    let header = part(&world.redeem(&code, &changes).await.string("id_token"), 0);
    assert_eq!(header["alg"], algorithm);
    let keys = world.get("/jwks").await.json();
    let of_header = |key: &&Value| key["kid"] == header["kid"] && key["alg"] == algorithm;
    assert!(keys["keys"].as_array().unwrap().iter().any(|key| of_header(&key)), "{algorithm}");
}

/// The algorithm of a signed answer.
async fn try_introspection(world: &World) -> String {
    let basic = format!("Basic {}", STANDARD.encode("api:api-secret"));
    let request = Request::post("/introspect")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "application/token-introspection+jwt")
        .header("authorization", basic)
        .body(Body::from("token=x"));
    part(&world.send(request.unwrap()).await.text(), 0)["alg"].as_str().unwrap().to_owned()
}

fn words(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

fn path_of(endpoint: &str) -> &'static str {
    match endpoint.split('_').next().unwrap() {
        "token" => "/token",
        "introspection" => "/introspect",
        "revocation" => "/revoke",
        other => panic!("announced and not tried: {other}"),
    }
}

/// An authorization request with one parameter succeeds.
async fn brings_a_code(world: &World, name: &str, value: &str) {
    let answer = world.authorize(&[(name, value)]).await;
    assert!(answer.sent("code").is_some(), "{name}={value}: {}", answer.text());
}

async fn try_member(world: &World, name: &str, value: &Value) {
    match name {
        "issuer" => assert_eq!(value, ISSUER),
        // Tried by `every_announced_endpoint_answers`.
        "jwks_uri" => {}
        name if name.ends_with("_endpoint") => {}
        name if name.ends_with("_endpoint_auth_methods_supported") => {
            for method in words(value) {
                try_method(world, path_of(name), method).await;
            }
        }
        name if name.ends_with("_endpoint_auth_signing_alg_values_supported") => {
            for algorithm in words(value) {
                try_assertion(world, path_of(name), algorithm).await;
            }
        }
        "request_object_signing_alg_values_supported" => {
            for algorithm in words(value) {
                try_request_object(world, algorithm).await;
            }
        }
        "dpop_signing_alg_values_supported" => {
            for algorithm in words(value) {
                try_proof(world, algorithm).await;
            }
        }
        "id_token_signing_alg_values_supported" => {
            for algorithm in words(value) {
                try_id_token(world, algorithm).await;
            }
        }
        "introspection_signing_alg_values_supported" => {
            assert_eq!(words(value), [try_introspection(world).await]);
        }
        "scopes_supported" => {
            for scope in ["openid", "profile", "offline_access", "orders:read"] {
                assert!(words(value).contains(&scope));
                brings_a_code(world, "scope", scope).await;
            }
        }
        "acr_values_supported" => {
            for acr in words(value) {
                brings_a_code(world, "acr_values", acr).await;
            }
        }
        "authorization_details_types_supported" => {
            for kind in words(value) {
                brings_a_code(world, "authorization_details", &json!([{ "type": kind }]).to_string()).await;
            }
        }
        "protected_resources" => {
            for resource in words(value) {
                brings_a_code(world, "resource", resource).await;
            }
        }
        "grant_types_supported" => {
            for grant in words(value) {
                let answer = world.post("/token", &[("grant_type", grant), ("client_id", "web")], None).await;
                assert_ne!(answer.error(), "400 unsupported_grant_type", "{grant}");
            }
        }
        "prompt_values_supported" => {
            for prompt in words(value) {
                let answer = world.authorize(&[("prompt", prompt)]).await;
                assert!(answer.status == 200 || answer.sent("code").is_some(), "{prompt}");
            }
        }
        "response_types_supported" => brings_a_code(world, "response_type", words(value)[0]).await,
        "response_modes_supported" => brings_a_code(world, "response_mode", words(value)[0]).await,
        "code_challenge_methods_supported" => brings_a_code(world, "code_challenge_method", words(value)[0]).await,
        "authorization_response_iss_parameter_supported" => {
            assert_eq!(world.authorize(&[]).await.sent("iss").as_deref(), Some(ISSUER));
        }
        "claims_supported" => {
            let token = world.tokens().await.string("id_token");
            for claim in part(&token, 1).as_object().unwrap().keys() {
                assert!(words(value).contains(&claim.as_str()), "`{claim}` is given and not announced");
            }
        }
        // Tried in `ciba`.
        "backchannel_token_delivery_modes_supported" => assert_eq!(value, &json!(["poll"])),
        "backchannel_user_code_parameter_supported" => assert_eq!(value, false),
        // Tried in `logout`.
        name if name.starts_with("backchannel_logout_") || name.starts_with("frontchannel_logout_") => {
            assert_eq!(value, true, "{name}");
        }
        "subject_types_supported" => assert_eq!(value, &json!(["public"])),
        // Tried with their algorithms, and in `par` and `request_object`.
        "request_parameter_supported"
        | "require_pushed_authorization_requests"
        | "require_signed_request_object"
        | "client_id_metadata_document_supported" => assert!(value.is_boolean()),
        "request_uri_parameter_supported" => assert_eq!(value, false, "{name}"),
        "claims_parameter_supported" => {
            assert_eq!(value, true, "{name}");
            brings_a_code(world, "claims", r#"{"userinfo": {"name": null}}"#).await;
        }
        other => panic!("announced and not tried: {other}"),
    }
}

#[tokio::test]
async fn everything_that_is_announced_works() {
    let world = World::extended();
    let document = world.get("/.well-known/oauth-authorization-server").await.json();
    for (name, value) in document.as_object().unwrap() {
        try_member(&world, name, value).await;
    }
}
