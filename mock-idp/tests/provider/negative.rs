//! The negative cases: what other mocks let through. Strict refuses every one; permissive takes those that people get
//! wrong in their first hour and records a finding; some are refused always.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::support::Answer;
use crate::world::{BACKEND, CALLBACK, CHALLENGE, CONFIG, VERIFIER, World, authorization_path};

/// What permissive mode does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Permissive {
    /// Lets it through and records this.
    Finds(&'static str),
    /// Refuses it as strict mode does.
    RefusesToo,
}
use Permissive::{Finds, RefusesToo};

/// Whether an answer brings the attacker what was asked for.
fn accepted(answer: &Answer) -> bool {
    answer.sent("code").is_some() || answer.json()["access_token"].is_string() || answer.json()["active"] == true
}

const CASES: [(&str, Permissive); 38] = [
    ("unregistered redirect URI on this machine", Finds("unregistered_redirect_uri")),
    ("unregistered redirect URI elsewhere", RefusesToo),
    ("redirect URI with the registered one as its beginning", Finds("unregistered_redirect_uri")),
    ("redirect URI with a user part", RefusesToo),
    ("open redirect through an error", RefusesToo),
    ("no PKCE", Finds("pkce_missing")),
    ("plain PKCE", Finds("pkce_plain")),
    ("challenge that is none", RefusesToo),
    ("unknown client", RefusesToo),
    ("response type token", RefusesToo),
    ("response type code id_token", RefusesToo),
    ("no response type", RefusesToo),
    ("scope widening at authorization", Finds("unregistered_scope")),
    ("duplicated parameter at authorization", RefusesToo),
    ("duplicated parameter at the token endpoint", RefusesToo),
    ("wrong secret", Finds("wrong_secret")),
    ("no secret", Finds("wrong_secret")),
    ("unregistered grant", Finds("unregistered_grant")),
    ("wrong verifier", RefusesToo),
    ("missing verifier", Finds("verifier_missing")),
    ("verifier equal to the challenge", RefusesToo),
    ("verifier without a challenge (downgrade)", RefusesToo),
    ("reused code", RefusesToo),
    ("garbage code", RefusesToo),
    ("code of another client", RefusesToo),
    ("expired code", Finds("code_expired")),
    ("long expired code", RefusesToo),
    ("another redirect URI at the token endpoint", RefusesToo),
    ("no redirect URI at the token endpoint", Finds("redirect_uri_not_repeated")),
    ("garbage refresh token", RefusesToo),
    ("reused refresh token", Finds("refresh_token_reused")),
    ("refresh token of another client", RefusesToo),
    ("scope widening at refresh", RefusesToo),
    ("garbage introspection", RefusesToo),
    ("introspection without authentication", RefusesToo),
    ("token request by GET", RefusesToo),
    ("token request with a JSON body", RefusesToo),
    ("secret in the query", RefusesToo),
];

async fn token_request(world: &World, target: &str, method: &str, kind: &str, body: String) -> Answer {
    let request = Request::builder().method(method).uri(target).header("content-type", kind);
    world.send(request.body(Body::from(body)).unwrap()).await
}

/// What the attacker tries. Everything before the try itself is right.
async fn attempt(world: &World, case: &str) -> Answer {
    let redeem = async |changes: &[(&str, &str)]| world.redeem(&world.code().await, changes).await;
    let credentials = [("grant_type", "client_credentials")];
    let form = "application/x-www-form-urlencoded";
    match case {
        "unregistered redirect URI on this machine" => {
            world.authorize(&[("redirect_uri", "http://localhost:9/x")]).await
        }
        "unregistered redirect URI elsewhere" => {
            world.authorize(&[("redirect_uri", "https://attacker.example/")]).await
        }
        "redirect URI with the registered one as its beginning" => {
            world.authorize(&[("redirect_uri", &format!("{CALLBACK}.attacker.example"))]).await
        }
        "redirect URI with a user part" => {
            world.authorize(&[("redirect_uri", "http://localhost:8080@attacker.example/callback")]).await
        }
        "open redirect through an error" => {
            world.authorize(&[("redirect_uri", "https://attacker.example/"), ("response_type", "token")]).await
        }
        "no PKCE" => world.authorize(&[("code_challenge", ""), ("code_challenge_method", "")]).await,
        "plain PKCE" => world.authorize(&[("code_challenge", VERIFIER), ("code_challenge_method", "plain")]).await,
        "challenge that is none" => world.authorize(&[("code_challenge", "short")]).await,
        "unknown client" => world.authorize(&[("client_id", "nobody")]).await,
        "response type token" => world.authorize(&[("response_type", "token")]).await,
        "response type code id_token" => world.authorize(&[("response_type", "code id_token")]).await,
        "no response type" => world.authorize(&[("response_type", "")]).await,
        "scope widening at authorization" => world.authorize(&[("scope", "openid admin")]).await,
        "duplicated parameter at authorization" => world.get(&format!("{}&scope=x", authorization_path(&[]))).await,
        "duplicated parameter at the token endpoint" => {
            let twice = [("grant_type", "client_credentials"), ("scope", "orders:read"), ("scope", "orders:read")];
            world.post("/token", &twice, Some(BACKEND)).await
        }
        "wrong secret" => world.post("/token", &credentials, Some(("backend", "wrong"))).await,
        "no secret" => world.post("/token", &[credentials[0], ("client_id", "backend")], None).await,
        "unregistered grant" => world.post("/token", &credentials, Some(crate::world::API)).await,
        "wrong verifier" => redeem(&[("code_verifier", &"x".repeat(43))]).await,
        "missing verifier" => redeem(&[("code_verifier", "")]).await,
        "verifier equal to the challenge" => redeem(&[("code_verifier", CHALLENGE)]).await,
        "verifier without a challenge (downgrade)" => {
            let answer = world.authorize(&[("code_challenge", ""), ("code_challenge_method", "")]).await;
            world.redeem(&answer.sent("code").unwrap_or_else(|| "none".to_owned()), &[]).await
        }
        "reused code" => {
            let code = world.code().await;
            assert_eq!(world.redeem(&code, &[]).await.status, 200);
            world.redeem(&code, &[]).await
        }
        "garbage code" => world.redeem("garbage", &[]).await,
        "code of another client" => redeem(&[("client_id", "other")]).await,
        "expired code" | "long expired code" => {
            let code = world.code().await;
            world.clock.advance(if case == "expired code" { 61 } else { 601 });
            world.redeem(&code, &[]).await
        }
        "another redirect URI at the token endpoint" => {
            redeem(&[("redirect_uri", "http://localhost:8081/callback")]).await
        }
        "no redirect URI at the token endpoint" => redeem(&[("redirect_uri", "")]).await,
        "garbage refresh token" => world.refresh("garbage", &[]).await,
        "reused refresh token" => {
            let token = world.tokens().await.string("refresh_token");
            assert_eq!(world.refresh(&token, &[]).await.status, 200);
            world.refresh(&token, &[]).await
        }
        "refresh token of another client" => {
            let token = world.tokens().await.string("refresh_token");
            world.refresh(&token, &[("client_id", "other")]).await
        }
        "scope widening at refresh" => {
            let token = world.tokens().await.string("refresh_token");
            world.refresh(&token, &[("scope", "openid orders:read orders:write")]).await
        }
        "garbage introspection" => world.post("/introspect", &[("token", "garbage")], Some(crate::world::API)).await,
        "introspection without authentication" => {
            let token = world.tokens().await.string("access_token");
            world.post("/introspect", &[("token", &token)], None).await
        }
        "token request by GET" => {
            let target = "/token?grant_type=client_credentials&client_id=backend&client_secret=backend-secret";
            token_request(world, target, "GET", form, String::new()).await
        }
        "token request with a JSON body" => {
            let body =
                json!({"grant_type": "client_credentials", "client_id": "backend", "client_secret": "backend-secret"});
            token_request(world, "/token", "POST", "application/json", body.to_string()).await
        }
        "secret in the query" => {
            let target = "/token?client_id=backend&client_secret=backend-secret";
            token_request(world, target, "POST", form, "grant_type=client_credentials".to_owned()).await
        }
        other => panic!("no such case: {other}"),
    }
}

async fn findings(world: &World) -> Vec<String> {
    let body = world.control("GET", "/control/v1/findings", Value::Null).await.json();
    let list = body["findings"].as_array().unwrap().iter().map(|one| one["finding"].as_str().unwrap().to_owned());
    list.collect()
}

#[tokio::test]
async fn strict_mode_accepts_none_of_the_negative_cases() {
    let mut let_through = Vec::new();
    for (case, _) in CASES {
        let world = World::new();
        let answer = attempt(&world, case).await;
        if accepted(&answer) || answer.status.is_success() && answer.json()["active"] != false {
            let_through.push(case);
        }
        let location = answer.header("location");
        assert!(location.is_empty() || location.starts_with(CALLBACK), "{case}: sent to {location}");
        assert_eq!(findings(&world).await, Vec::<String>::new(), "{case}: strict mode finds nothing, it refuses");
    }
    assert_eq!(let_through, Vec::<&str>::new());
}

#[tokio::test]
async fn permissive_mode_records_each_thing_that_it_lets_through_and_refuses_the_rest() {
    let config = format!("{CONFIG}\nmode: permissive");
    let mut seen = 0;
    for (case, expected) in CASES {
        let world = World::from_text(&config);
        let answer = attempt(&world, case).await;
        match expected {
            Finds(finding) => {
                assert!(accepted(&answer), "{case}: {} {}", answer.status, answer.text());
                assert_eq!(findings(&world).await, [finding], "{case}");
                seen += 1;
            }
            RefusesToo => {
                assert!(!accepted(&answer), "{case}: {}", answer.text());
                let location = answer.header("location");
                assert!(location.is_empty() || location.starts_with(CALLBACK), "{case}: sent to {location}");
            }
        }
    }
    assert_eq!(seen, 12);
}

#[tokio::test]
async fn a_finding_names_client_clause_and_count_and_can_be_cleared() {
    let world = World::from_text(&format!("{CONFIG}\nmode: permissive"));
    for _ in 0..3 {
        world.authorize(&[("code_challenge", ""), ("code_challenge_method", "")]).await;
    }
    let body = world.control("GET", "/control/v1/findings", Value::Null).await.json();
    let finding = &body["findings"][0];
    assert_eq!(
        (&body["mode"], &finding["client_id"], &finding["times"]),
        (&json!("permissive"), &json!("web"), &json!(3))
    );
    assert!(finding["reason"].as_str().unwrap().contains("RFC 7636"));
    world.control("DELETE", "/control/v1/findings", Value::Null).await;
    assert_eq!(findings(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn permissive_mode_lets_no_client_with_keys_in_without_them_and_no_exchange_beyond_its_rules() {
    let world = World::extended_with("mode: permissive\n");
    for id in ["signing", "hashing"] {
        let form = [("grant_type", "client_credentials"), ("client_id", id)];
        assert_eq!(world.post("/token", &form, None).await.error(), "401 invalid_client", "{id}");
    }
    let access = "urn:ietf:params:oauth:token-type:access_token";
    let subject = world.tokens().await.string("access_token");
    let gateway = Some(("gateway", "gateway-secret"));
    let actor = world.post("/token", &[("grant_type", "client_credentials")], gateway).await.string("access_token");
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", &subject),
        ("subject_token_type", access),
        ("actor_token", &actor),
        ("actor_token_type", access),
        ("scope", "admin"),
    ];
    assert_eq!(world.post("/token", &form, gateway).await.error(), "400 invalid_scope");
    assert_eq!(world.post("/token", &form, Some(BACKEND)).await.error(), "400 unauthorized_client");
    assert_eq!(findings(&world).await, ["unregistered_grant"], "only the grant that was let through, and led nowhere");
}
