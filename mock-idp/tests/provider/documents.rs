//! Clients that are described at their own URL, served here by a socket of the test.

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::world::World;

/// Serves documents until the test ends; gives the origin.
async fn serve(document: impl Fn(&str) -> Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let (good, wrong, huge) = (document(&origin), json!({"client_id": "somebody-else"}), "x".repeat(20_000));
    let secret = json!({"client_id": format!("{origin}/secret"), "client_secret": "x"});
    let app = Router::new()
        .route("/client", get(move || async move { axum::Json(good) }))
        .route("/wrong", get(move || async move { axum::Json(wrong) }))
        .route("/secret", get(move || async move { axum::Json(secret) }))
        .route("/huge", get(move || async move { huge }))
        .route("/moved", get(|| async { Redirect::temporary("/client") }));
    tokio::spawn(async move { axum::serve(listener, app).await });
    origin
}

fn described(origin: &str) -> Value {
    json!({
        "client_id": format!("{origin}/client"), "client_name": "Agent", "token_endpoint_auth_method": "none",
        "redirect_uris": [format!("{origin}/callback")], "grant_types": ["authorization_code"], "scope": "orders:read",
    })
}

fn world(origin: &str) -> World {
    World::extended_with(&format!("client_documents: {{ origins: ['{origin}'], scopes: ['orders:read'] }}\n"))
}

#[tokio::test]
async fn a_client_that_is_described_at_its_url_can_log_somebody_in() {
    let origin = serve(described).await;
    let world = world(&origin);
    let (id, callback) = (format!("{origin}/client"), format!("{origin}/callback"));
    let changes = [("client_id", id.as_str()), ("redirect_uri", callback.as_str())];
    let answer = world.authorize(&changes).await;
    let code = answer.sent("code").unwrap_or_else(|| panic!("{}", answer.text()));
    assert_eq!(world.redeem(&code, &changes).await.status, 200);
    let metadata = world.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["client_id_metadata_document_supported"], true);
}

#[tokio::test]
async fn an_address_outside_the_allow_list_is_never_contacted() {
    let (allowed, elsewhere) = (serve(described).await, serve(described).await);
    let id = format!("{elsewhere}/client");
    let answer = world(&allowed).authorize(&[("client_id", &id)]).await;
    assert!(answer.header("location").is_empty() && answer.text().contains("not fetched"), "{}", answer.text());
    let off = World::new().authorize(&[("client_id", &id)]).await;
    assert!(off.text().contains("there is no client"));
}

#[tokio::test]
async fn a_document_of_another_name_with_a_secret_too_large_or_moved_is_refused() {
    let origin = serve(described).await;
    let world = world(&origin);
    for (path, words) in [
        ("wrong", "not the URL"),
        ("secret", "client_secret"),
        ("huge", "larger than"),
        ("moved", "status 307"),
        ("missing", "status 404"),
        ("x/../client", "normalised"),
        ("client#x", "normalised"),
    ] {
        let answer = world.authorize(&[("client_id", &format!("{origin}/{path}"))]).await;
        assert!(answer.header("location").is_empty() && answer.text().contains(words), "{path}: {}", answer.text());
    }
}
