//! What a provider does in a second, and what it keeps: `cargo bench -p mock-idp`.
//!
//! In this process and without a socket, so the figures are those of the provider and not of a network: client
//! credentials by algorithm, introspection, and the memory after a million tokens.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measuring program: what is not as expected must stop it"
)]

use std::time::Instant;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use mock_idp::{Config, Provider, app};
use tower::ServiceExt as _;

fn provider(algorithm: &str) -> Router {
    let config = format!(
        "issuer: http://localhost:9400\nkeys: {{ algorithm: {algorithm} }}\naccess_token: {{ lifetime_seconds: 3600 }}\n\
         clients: {{ backend: {{ secret: backend-secret, grants: [client_credentials], scopes: [read] }} }}"
    );
    app(Provider::new(Config::parse(&config).unwrap()).unwrap())
}

async fn post(app: &Router, path: &str, body: String) -> Vec<u8> {
    let request = Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", "Basic YmFja2VuZDpiYWNrZW5kLXNlY3JldA==")
        .body(Body::from(body));
    let response = app.clone().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()
}

async fn grant(app: &Router) -> Vec<u8> {
    post(app, "/token", "grant_type=client_credentials".to_owned()).await
}

/// Resident memory of this process, as Linux tells it.
fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}

async fn rate(name: &str, count: u32, mut work: impl AsyncFnMut()) {
    work().await;
    let begin = Instant::now();
    for _ in 0..count {
        work().await;
    }
    println!("{name}: {:.0}/s on one core", f64::from(count) / begin.elapsed().as_secs_f64());
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for (algorithm, count) in [("RS256", 5_000), ("ES256", 50_000), ("EdDSA", 50_000)] {
        let app = provider(algorithm);
        rate(&format!("client credentials {algorithm}"), count, async || drop(grant(&app).await)).await;
        let answer: serde_json::Value = serde_json::from_slice(&grant(&app).await).unwrap();
        let body = format!("token={}", answer["access_token"].as_str().unwrap());
        rate(&format!("introspection {algorithm}"), 50_000, async || {
            drop(post(&app, "/introspect", body.clone()).await)
        })
        .await;
    }
    let app = provider("EdDSA");
    let before = resident_mb();
    let begin = Instant::now();
    for _ in 0..1_000_000 {
        grant(&app).await;
    }
    let (after, seconds) = (resident_mb(), begin.elapsed().as_secs_f64());
    println!("1,000,000 grants in {seconds:.0} s: {before} MB before, {after} MB after");
    assert!(after <= 64, "{after} MB are more than 64 MB");
}
