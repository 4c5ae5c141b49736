//! A real SCIM service behind the provider, on loopback: asked rightly, and believed only when it answers rightly.

use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use mock_idp::{Config, Provider, app};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::world::{CALLBACK, CHALLENGE, encode};

#[derive(Clone, Default)]
struct Scim {
    seen: Arc<Mutex<Vec<String>>>,
}

fn alice() -> Value {
    json!({
        "id": "alice", "userName": "alice", "active": true, "roles": [{"value": "customer"}],
        "urn:devenv:params:scim:schemas:extension:1.0:User": {"tenant": "acme", "attributes": {"clearance": 2}}
    })
}

async fn one(State(scim): State<Scim>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap()).unwrap_or_default();
    scim.seen.lock().unwrap().push(format!("{id} {authorization}"));
    match id.as_str() {
        // A directory that matches names without regard to case.
        "alice" | "ALICE" => Json(alice()).into_response(),
        "broken" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "html" => "<html>".into_response(),
        "elsewhere" => (StatusCode::FOUND, [("location", "/scim/v2/Users/alice")]).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn all(Query(query): Query<Vec<(String, String)>>) -> Json<Value> {
    assert_eq!(query, [("startIndex".to_owned(), "1".to_owned()), ("count".to_owned(), "200".to_owned())]);
    Json(json!({"totalResults": 1, "Resources": [alice()]}))
}

async fn provider(scim: &Scim) -> Router {
    let router = Router::new().route("/scim/v2/Users", get(all)).route("/scim/v2/Users/{id}", get(one));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, router.with_state(scim.clone())).into_future());
    provider_at(&format!("http://{address}/scim/v2"))
}

fn provider_at(scim_url: &str) -> Router {
    let config = format!(
        r#"{{"issuer": "http://localhost:9400", "personas": {{"alice": {{"tenant": "configured"}}}},
            "directory": {{"scim_url": "{scim_url}", "token": "reader-token"}},
            "clients": {{"web": {{"redirect_uris": ["{CALLBACK}"], "grants": ["authorization_code"]}}}}}}"#
    );
    app(Provider::new(Config::parse(&config).unwrap()).unwrap())
}

async fn visit(app: &Router, hint: &str, prompt: &str) -> (String, String) {
    let query = encode(&[
        ("client_id", "web"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("login_hint", hint),
        ("prompt", prompt),
    ]);
    let request = axum::http::Request::get(format!("/authorize?{query}")).body(axum::body::Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (location.unwrap_or_default(), String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_person_is_looked_up_with_the_bearer_token_at_each_login() {
    let scim = Scim::default();
    let app = provider(&scim).await;
    for _ in 0..2 {
        assert!(visit(&app, "alice", "none").await.0.contains("code="));
    }
    assert_eq!(*scim.seen.lock().unwrap(), ["alice Bearer reader-token"; 2]);
}

#[tokio::test]
async fn only_a_right_answer_about_exactly_this_person_lets_anybody_in() {
    let app = provider(&Scim::default()).await;
    for (hint, error) in [
        ("nobody", "login_required"),
        ("ALICE", "login_required"),
        ("../Users/alice", "login_required"),
        ("..", "login_required"),
        ("broken", "temporarily_unavailable"),
        ("html", "temporarily_unavailable"),
        ("elsewhere", "temporarily_unavailable"),
    ] {
        let (location, _) = visit(&app, hint, "none").await;
        assert!(location.contains(&format!("error={error}")), "{hint}: {location}");
    }
}

#[tokio::test]
async fn the_login_page_shows_the_people_of_the_directory() {
    let (_, page) = visit(&provider(&Scim::default()).await, "alice", "login").await;
    assert!(page.contains("acme") && !page.contains("configured"), "{page}");
}

#[tokio::test]
async fn the_login_page_shows_the_configured_people_and_a_warning_while_the_directory_is_down() {
    // A bound and dropped port: nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let app = provider_at(&format!("http://{address}/scim/v2"));
    let (_, page) = visit(&app, "alice", "login").await;
    assert!(page.contains("configured") && page.contains("does not answer"), "{page}");
    assert!(visit(&app, "alice", "none").await.0.contains("error=temporarily_unavailable"));
}
