//! What only a real connection shows: one that breaks off.

use mock_iam::Config;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn send(address: std::net::SocketAddr, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "{head} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer t\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset and an end without an answer are the same to a caller.
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_server_that_is_down_breaks_the_connection_without_an_answer_and_comes_back() {
    let config: Config = serde_json::from_value(json!({
        "base_url": "http://localhost",
        "callers": { "tests": { "token": "t", "may": ["control", "read_directory"] } },
    }))
    .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(mock_iam::run(listener, config, async move { drop(stopped.await) }));
    assert!(send(address, "GET /scim/v2/Users", "").await.starts_with("HTTP/1.1 200"));
    let down = r#"{"fault":"down","requests":1}"#;
    assert!(send(address, "POST /control/v1/faults", down).await.starts_with("HTTP/1.1 201"));
    assert_eq!(send(address, "GET /scim/v2/Users", "").await, "");
    assert!(send(address, "GET /scim/v2/Users", "").await.starts_with("HTTP/1.1 200"));
    drop(stop);
    server.await.unwrap().unwrap();
}
