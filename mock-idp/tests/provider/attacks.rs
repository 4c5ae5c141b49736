//! What an attacker tries, by name. Everything before the try itself is right. Must not know what is thought of the answer.

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::Answer;
use crate::world::{API, BACKEND, CALLBACK, CHALLENGE, VERIFIER, World, authorization_path, part};

async fn token_request(world: &World, target: &str, method: &str, kind: &str, body: String) -> Answer {
    let request = Request::builder().method(method).uri(target).header("content-type", kind);
    world.send(request.body(Body::from(body)).unwrap()).await
}

/// What the attacker tries. Everything before the try itself is right.
pub(crate) async fn attempt(world: &World, case: &str) -> Answer {
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
        other => at_the_front(world, other).await,
    }
}

/// More tries at the authorization endpoint.
async fn at_the_front(world: &World, case: &str) -> Answer {
    let redirect = async |uri: &str| world.authorize(&[("redirect_uri", uri)]).await;
    match case {
        "redirect URI with another port" => redirect("http://localhost:8089/callback").await,
        "redirect URI with a slash at its end" => redirect(&format!("{CALLBACK}/")).await,
        "redirect URI with dot segments" => redirect("http://localhost:8080/x/../callback").await,
        "redirect URI with a query added" => redirect(&format!("{CALLBACK}?next=https://attacker.example")).await,
        "redirect URI in other letters" => redirect("http://LOCALHOST:8080/callback").await,
        "redirect URI with a fragment" => redirect(&format!("{CALLBACK}#x")).await,
        "redirect URI of another client" => redirect("http://localhost:8081/callback").await,
        "redirect URI that is a script" => redirect("javascript:alert(1)").await,
        "response mode fragment" => world.authorize(&[("response_mode", "fragment")]).await,
        "response mode form_post" => world.authorize(&[("response_mode", "form_post")]).await,
        "request URI elsewhere" => world.authorize(&[("request_uri", "https://attacker.example/request")]).await,
        "unsigned request object" => {
            let object = URL_SAFE_NO_PAD.encode(r#"{"client_id": "web", "scope": "openid admin"}"#);
            let object = format!("{}.{object}.", URL_SAFE_NO_PAD.encode(r#"{"alg": "none"}"#));
            world.authorize(&[("request", &object)]).await
        }
        "unknown person without a page" => world.authorize(&[("login_hint", "mallory")]).await,
        other => with_other_credentials(world, other).await,
    }
}

/// More tries at the token endpoint: who asks.
async fn with_other_credentials(world: &World, case: &str) -> Answer {
    let credentials = ("grant_type", "client_credentials");
    match case {
        "secret of another client" => world.post("/token", &[credentials], Some(("backend", API.1))).await,
        "empty secret" => world.post("/token", &[credentials], Some(("backend", ""))).await,
        "another client in the body than in the header" => {
            world.post("/token", &[credentials, ("client_id", "api")], Some(BACKEND)).await
        }
        "secret in the header and in the body" => {
            let form = [credentials, ("client_id", BACKEND.0), ("client_secret", BACKEND.1)];
            world.post("/token", &form, Some(BACKEND)).await
        }
        "client credentials of a public client" => {
            world.post("/token", &[credentials, ("client_id", "web")], None).await
        }
        "scope openid without a person" => {
            world.post("/token", &[credentials, ("scope", "openid")], Some(BACKEND)).await
        }
        other => with_another_grant(world, other).await,
    }
}

/// More tries at the token endpoint: what is brought.
async fn with_another_grant(world: &World, case: &str) -> Answer {
    let end_sessions = async || world.control("DELETE", "/control/v1/sessions/alice", Value::Null).await;
    match case {
        "code redeemed as a refresh token" => world.refresh(&world.code().await, &[]).await,
        "refresh token redeemed as a code" => {
            let token = world.tokens().await.string("refresh_token");
            world.redeem(&token, &[]).await
        }
        "access token redeemed as a refresh token" => {
            let token = world.tokens().await.string("access_token");
            world.refresh(&token, &[]).await
        }
        "code of a person whose sessions were ended" => {
            let code = world.code().await;
            end_sessions().await;
            world.redeem(&code, &[]).await
        }
        "code of a person who was deactivated" => {
            let code = world.code().await;
            world.directory.deactivate("alice");
            world.redeem(&code, &[]).await
        }
        "refresh token of a person whose sessions were ended" => {
            let token = world.tokens().await.string("refresh_token");
            end_sessions().await;
            world.refresh(&token, &[]).await
        }
        "refresh token of a person who was deactivated" => {
            let token = world.tokens().await.string("refresh_token");
            world.directory.deactivate("alice");
            world.refresh(&token, &[]).await
        }
        "revoked refresh token" => {
            let token = world.tokens().await.string("refresh_token");
            assert_eq!(world.post("/revoke", &[("token", &token), ("client_id", "web")], None).await.status, 200);
            world.refresh(&token, &[]).await
        }
        "expired refresh token" => {
            let token = world.tokens().await.string("refresh_token");
            world.clock.advance(25 * 3_600);
            world.refresh(&token, &[]).await
        }
        other => with_a_token(world, other).await,
    }
}

/// Tries with a token where tokens are believed.
async fn with_a_token(world: &World, case: &str) -> Answer {
    let ask = async |token: &str| world.post("/introspect", &[("token", token)], Some(API)).await;
    let tokens = world.tokens().await;
    let token = tokens.string("access_token");
    match case {
        "introspection of an expired token" => {
            world.clock.advance(301);
            ask(&token).await
        }
        "introspection of a revoked token" => {
            world.post("/revoke", &[("token", &token), ("client_id", "web")], None).await;
            ask(&token).await
        }
        "introspection of an altered token" => {
            let parts: Vec<&str> = token.split('.').collect();
            let claims = part(&token, 1).to_string().replace("customer", "admin");
            ask(&format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims), parts[2])).await
        }
        "introspection of a token without its signature" => {
            ask(&format!("{}.", token.rsplit_once('.').unwrap().0)).await
        }
        "introspection of an ID token" => ask(&tokens.string("id_token")).await,
        "introspection of a refresh token" => ask(&tokens.string("refresh_token")).await,
        "introspection by a public client" => {
            world.post("/introspect", &[("token", &token), ("client_id", "web")], None).await
        }
        "UserInfo with garbage" => world.userinfo("garbage").await,
        "UserInfo with an ID token" => world.userinfo(&tokens.string("id_token")).await,
        "UserInfo with the token of a client" => {
            let answer = world.post("/token", &[("grant_type", "client_credentials")], Some(BACKEND)).await;
            world.userinfo(&answer.string("access_token")).await
        }
        "UserInfo with the token in the query" => world.get(&format!("/userinfo?access_token={token}")).await,
        "UserInfo with a token that has no scope openid" => {
            let answer = world.authorize(&[("scope", "orders:read")]).await;
            let answer = world.redeem(&answer.sent("code").unwrap(), &[]).await;
            world.userinfo(&answer.string("access_token")).await
        }
        other => panic!("no such case: {other}"),
    }
}
