//! The server's life on a socket of the caller's.

use mock_idp::{Config, Error, generate_signing_key, run};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

#[tokio::test]
async fn a_server_answers_on_the_given_socket_and_ends_with_the_shutdown_while_a_connection_is_open() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let config = Config::parse("issuer: http://localhost:9400").unwrap();
    let server = tokio::spawn(run(listener, config, async { stopped.await.unwrap_or_default() }));
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let answer = client.get(format!("http://{address}/health")).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), r#"{"status":"ok"}"#);
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn two_starts_with_one_key_publish_the_same_key() {
    let mut config = Config::parse("issuer: http://localhost:9400").unwrap();
    config.signing_key = Some(generate_signing_key().unwrap());
    let mut published = Vec::new();
    for _ in 0..2 {
        let provider = mock_idp::Provider::new(config.clone()).unwrap();
        let request = axum::http::Request::get("/jwks").body(axum::body::Body::empty()).unwrap();
        let response = tower::ServiceExt::oneshot(mock_idp::app(provider), request).await.unwrap();
        published.push(axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap());
    }
    assert_eq!(published[0], published[1]);
}

#[tokio::test]
async fn a_server_with_a_wrong_configuration_does_not_start_and_shows_no_secret() {
    let mut config = Config::parse("issuer: http://localhost:9400").unwrap();
    config.signing_key = Some(mock_idp::secret::Secret::new("not a key but secret"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = run(listener, config, async {}).await.unwrap_err();
    assert!(matches!(error, Error::Key { .. }));
    assert!(!format!("{error} {error:?}").contains("but secret"));
}

#[tokio::test]
async fn https_is_served_with_a_certificate_that_whoever_trusts_the_kept_authority_believes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tls");
    let mut authorities = Vec::new();
    for _ in 0..2 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = format!("issuer: https://localhost:{port}\ntls: {{ directory: {} }}", path.display());
        let (stop, stopped) = oneshot::channel::<()>();
        let config = Config::parse(&config).unwrap();
        let server = tokio::spawn(run(listener, config, async { stopped.await.unwrap_or_default() }));
        let url = format!("https://localhost:{port}/.well-known/openid-configuration");
        let authority = loop {
            match std::fs::read(path.join("ca.pem")) {
                Ok(pem) => break pem,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        let trusted = reqwest::Certificate::from_pem(&authority).unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([trusted]).build().unwrap();
        let answer = client.get(&url).send().await.unwrap().text().await.unwrap();
        assert!(answer.contains(&format!("https://localhost:{port}/token")), "{answer}");
        let stranger = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        assert!(stranger.get(&url).send().await.is_err());
        authorities.push(authority);
        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
    }
    assert_eq!(authorities[0], authorities[1], "made once");
}
