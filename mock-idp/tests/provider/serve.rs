//! The server's life on a socket of the caller's.

use mock_idp::{Config, Error, generate_signing_key, run};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
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

/// A provider on a socket, and a connection to it on which this was sent.
async fn sent(text: &str) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let config =
        "issuer: http://localhost:9400\ncontrol_token: control-token-of-the-test\nregistration: { open: true }";
    tokio::spawn(run(listener, Config::parse(config).unwrap(), std::future::pending()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Everything that comes until the other side hangs up. The clock is stopped, so whatever waits is over at once.
async fn all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_ends_the_head_of_its_request_is_let_go_after_30_seconds() {
    for text in ["", "GET /health HT", "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: a"] {
        let mut stream = sent(text).await;
        let begin = tokio::time::Instant::now();
        assert_eq!(all(&mut stream).await, "", "{text}");
        assert_eq!(begin.elapsed().as_secs(), 30, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_its_body_too_slowly_is_told_so_at_every_endpoint_that_reads_one() {
    let form = "application/x-www-form-urlencoded";
    for (path, kind) in [
        ("/authorize", form),
        ("/login", form),
        ("/confirm", form),
        ("/token", form),
        ("/introspect", form),
        ("/revoke", form),
        ("/par", form),
        ("/device_authorization", form),
        ("/device", form),
        ("/end_session", form),
        ("/register", "application/json"),
        ("/control/v1/faults", "application/json"),
        ("/control/v1/snapshot", "application/json"),
    ] {
        let method = if path.ends_with("snapshot") { "PUT" } else { "POST" };
        let mut stream = sent(&format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost:9400\r\nOrigin: http://localhost:9400\r\nContent-Type: {kind}\r\n\
             Authorization: Bearer control-token-of-the-test\r\nContent-Length: 100\r\nConnection: close\r\n\r\na=b"
        ))
        .await;
        let answer = all(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_head_or_a_body_that_is_too_large_is_refused_before_it_is_kept() {
    let mut stream = sent(&format!("GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: {}", "x".repeat(70_000))).await;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 431");
    for (method, path, kind) in [
        ("POST", "/token", "application/x-www-form-urlencoded"),
        ("POST", "/authorize", "application/x-www-form-urlencoded"),
        ("POST", "/register", "application/json"),
        ("POST", "/control/v1/faults", "application/json"),
    ] {
        let mut stream = sent(&format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost:9400\r\nContent-Type: {kind}\r\n\
             Authorization: Bearer control-token-of-the-test\r\nContent-Length: 1000000000\r\n\r\n{}",
            "a".repeat(256 * 1024 + 1)
        ))
        .await;
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413", "{path}");
    }
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
