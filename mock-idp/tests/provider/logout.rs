//! Logout: asked for by a client, told to the others.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::Answer;
use crate::world::{CONFIG, ISSUER, World, authorization_path, encode, part};

const AFTER: &str = "http://localhost:8080/bye";

fn config() -> String {
    CONFIG.replacen("  web:", &format!("  web:\n    post_logout_redirect_uris: [\"{AFTER}\"]"), 1)
}

/// A browser with a session: its cookie and the ID token that `web` got.
async fn logged_in(world: &World) -> (String, String) {
    let answer = world.authorize(&[]).await;
    let tokens = world.redeem(&answer.sent("code").unwrap(), &[]).await;
    (answer.cookie("mock-idp-session"), tokens.string("id_token"))
}

async fn logout(world: &World, cookie: &str, parameters: &[(&str, &str)]) -> Answer {
    let request = Request::get(format!("/end_session?{}", encode(parameters))).header("cookie", cookie);
    world.send(request.body(Body::empty()).unwrap()).await
}

async fn is_logged_in(world: &World, cookie: &str) -> bool {
    let request = Request::get(authorization_path(&[("login_hint", "")])).header("cookie", cookie);
    world.send(request.body(Body::empty()).unwrap()).await.sent("code").is_some()
}

#[tokio::test]
async fn a_client_with_the_id_token_ends_the_session_and_its_tokens_and_gets_the_browser_back() {
    let world = World::from_text(&config());
    let (cookie, id_token) = logged_in(&world).await;
    let (other, _) = logged_in(&world).await;
    assert!(is_logged_in(&world, &cookie).await, "the control");
    let refresh = world.tokens().await.string("refresh_token");
    let parameters = [("id_token_hint", id_token.as_str()), ("post_logout_redirect_uri", AFTER), ("state", "s t")];
    let answer = logout(&world, &cookie, &parameters).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "http://localhost:8080/bye?state=s+t"));
    assert!(!is_logged_in(&world, &cookie).await);
    assert!(is_logged_in(&world, &other).await, "another browser of the same person stays");
    assert_eq!(world.refresh(&refresh, &[]).await.status, 200, "so do the tokens of another login");
}

#[tokio::test]
async fn the_tokens_of_the_ended_session_are_over() {
    let world = World::new();
    let answer = world.authorize(&[]).await;
    let tokens = world.redeem(&answer.sent("code").unwrap(), &[]).await;
    logout(&world, "", &[("id_token_hint", &tokens.string("id_token"))]).await;
    assert!(!world.is_active(&tokens.string("access_token")).await);
    assert_eq!(world.refresh(&tokens.string("refresh_token"), &[]).await.error(), "400 invalid_grant");
}

#[tokio::test]
async fn an_expired_id_token_is_still_a_hint() {
    let world = World::new();
    let (cookie, id_token) = logged_in(&world).await;
    world.clock.advance(3_600);
    logout(&world, &cookie, &[("id_token_hint", &id_token)]).await;
    assert!(!is_logged_in(&world, &cookie).await);
}

#[tokio::test]
async fn without_an_id_token_the_person_is_asked_and_only_our_own_page_may_answer() {
    let world = World::from_text(&config());
    let (cookie, _) = logged_in(&world).await;
    let parameters = [("client_id", "web"), ("post_logout_redirect_uri", AFTER)];
    let page = logout(&world, &cookie, &parameters).await;
    assert!(page.status == 200 && page.text().contains("Log alice out?"), "{}", page.text());
    assert!(is_logged_in(&world, &cookie).await);
    for (origin, decision, status, still) in [
        ("http://attacker.example", "logout", 403, true),
        ("", "logout", 403, true),
        (ISSUER, "stay", 303, true),
        (ISSUER, "logout", 303, false),
    ] {
        let form = encode(&[&parameters[..], &[("decision", decision)]].concat());
        let mut request = Request::post("/end_session")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", &cookie);
        if !origin.is_empty() {
            request = request.header("origin", origin);
        }
        assert_eq!(world.send(request.body(Body::from(form)).unwrap()).await.status, status, "{origin} {decision}");
        assert_eq!(is_logged_in(&world, &cookie).await, still, "{origin} {decision}");
    }
}

#[tokio::test]
async fn a_logout_never_becomes_an_open_redirect() {
    let world = World::from_text(&config());
    let (cookie, id_token) = logged_in(&world).await;
    let foreign = world.mint(json!({"broken": "other-key"})).await;
    for parameters in [
        &[("post_logout_redirect_uri", AFTER)][..],
        &[("client_id", "other"), ("post_logout_redirect_uri", AFTER)],
        &[("client_id", "nobody"), ("post_logout_redirect_uri", AFTER)],
        &[("client_id", "web"), ("post_logout_redirect_uri", "http://localhost:8080/bye/")],
        &[("client_id", "web"), ("post_logout_redirect_uri", "https://attacker.example/")],
        &[("id_token_hint", id_token.as_str()), ("post_logout_redirect_uri", "https://attacker.example/")],
        &[("id_token_hint", id_token.as_str()), ("client_id", "other")],
        &[("id_token_hint", "garbage"), ("post_logout_redirect_uri", AFTER)],
        &[("id_token_hint", foreign.as_str())],
        &[("client_id", "web"), ("client_id", "web")],
    ] {
        let answer = logout(&world, &cookie, parameters).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""), "{parameters:?}");
        assert!(is_logged_in(&world, &cookie).await, "{parameters:?}");
    }
}

#[tokio::test]
async fn the_front_channel_tells_each_client_of_the_session_in_a_frame_that_the_policy_allows() {
    let line = "  web:\n    frontchannel_logout_uri: \"http://localhost:8080/front?own=1\"";
    let world = World::from_text(&config().replacen("  web:", line, 1));
    let (cookie, id_token) = logged_in(&world).await;
    let sid = part(&id_token, 1)["sid"].as_str().unwrap().to_owned();
    let page = logout(&world, &cookie, &[("id_token_hint", &id_token), ("post_logout_redirect_uri", AFTER)]).await;
    let text = page.text();
    assert!(
        text.contains("http://localhost:8080/front?own=1") && text.contains(&sid) && text.contains("<iframe"),
        "{text}"
    );
    assert!(text.contains("url=http://localhost:8080/bye"), "{text}");
    assert!(page.header("content-security-policy").contains("frame-src http://localhost:8080"));
}

/// A client that answers logout tokens with these statuses, then with 200.
async fn client(statuses: &[u16]) -> (String, Arc<Mutex<Vec<String>>>) {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let statuses = Arc::new(Mutex::new(statuses.to_vec()));
    let kept = Arc::clone(&seen);
    let answer = post(move |body: String| async move {
        kept.lock().unwrap().push(body);
        let mut statuses = statuses.lock().unwrap();
        let status = if statuses.is_empty() { 200 } else { statuses.remove(0) };
        StatusCode::from_u16(status).unwrap()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/back", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/back", answer)).await });
    (uri, seen)
}

/// Waits until the journal tells how the sending ended.
async fn outcome(world: &World) -> String {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let journal =
            world.control("GET", "/control/v1/journal?path=(back-channel%20logout)", Value::Null).await.json();
        if let Some(outcome) = journal["entries"][0]["outcome"].as_str() {
            return outcome.to_owned();
        }
        assert!(Instant::now() < deadline, "nothing was sent");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_back_channel_gets_a_logout_token_of_the_right_shape() {
    let (uri, seen) = client(&[]).await;
    let line = format!("  web:\n    backchannel_logout_uri: \"{uri}\"");
    let world = World::from_text(&config().replacen("  web:", &line, 1));
    let (cookie, id_token) = logged_in(&world).await;
    logout(&world, &cookie, &[("id_token_hint", &id_token)]).await;
    assert_eq!(outcome(&world).await, "logout token accepted");
    let body = seen.lock().unwrap()[0].clone();
    let token = body.strip_prefix("logout_token=").unwrap();
    let (header, claims) = (part(token, 0), part(token, 1));
    assert_eq!((&header["typ"], &header["alg"]), (&json!("logout+jwt"), &json!("ES256")));
    assert_eq!((&claims["iss"], &claims["aud"], &claims["sub"]), (&json!(ISSUER), &json!("web"), &json!("alice")));
    assert_eq!(claims["sid"], part(&id_token, 1)["sid"]);
    assert_eq!(claims["events"], json!({"http://schemas.openid.net/event/backchannel-logout": {}}));
    assert!(claims["jti"].is_string() && claims["nonce"].is_null() && claims["exp"].is_i64());
}

#[tokio::test]
async fn a_client_that_fails_is_told_again_and_given_up_after_the_third_time() {
    for (statuses, calls, expected) in [
        (&[500, 503][..], 3, "logout token accepted"),
        (&[500, 500, 500, 500], 3, "logout token refused"),
        (&[400], 1, "logout token refused"),
    ] {
        let (uri, seen) = client(statuses).await;
        let line = format!("  web:\n    backchannel_logout_uri: \"{uri}\"");
        let world = World::from_text(&config().replacen("  web:", &line, 1));
        let (cookie, id_token) = logged_in(&world).await;
        logout(&world, &cookie, &[("id_token_hint", &id_token)]).await;
        assert_eq!(outcome(&world).await, expected);
        assert_eq!(seen.lock().unwrap().len(), calls);
    }
}

#[tokio::test]
async fn sessions_that_the_control_api_ends_are_told_too() {
    let (uri, seen) = client(&[]).await;
    let line = format!("  web:\n    backchannel_logout_uri: \"{uri}\"");
    let world = World::from_text(&config().replacen("  web:", &line, 1));
    logged_in(&world).await;
    world.control("DELETE", "/control/v1/sessions/alice", Value::Null).await;
    assert_eq!(outcome(&world).await, "logout token accepted");
    assert_eq!(seen.lock().unwrap().len(), 1);
}
