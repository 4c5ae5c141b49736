//! Where the attacker publishes a key: a listener on loopback that answers every request with it, for tokens that point
//! to their key. Does I/O; must not know tokens.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A listener that ends with this value.
pub(super) struct Host {
    /// `http://127.0.0.1:4711`.
    pub(super) url: String,
    task: tokio::task::JoinHandle<()>,
}

impl Host {
    /// Publishes a key set under `/jwks.json` and a certificate under every other path.
    pub(super) async fn start(key_set: String, certificate: String) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("cannot publish a key: {error}");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let url = format!("http://{}", listener.local_addr().map_err(failed)?);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // One after the other: nobody but a flawed verifier ever calls.
                let _ = answer(stream, &key_set, &certificate).await;
            }
        });
        Ok(Self { url, task })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: TcpStream, key_set: &str, certificate: &str) -> std::io::Result<()> {
    let mut head = [0; 2048];
    let read = tokio::time::timeout(std::time::Duration::from_secs(2), stream.read(&mut head)).await;
    let read = read.map_err(|_| std::io::ErrorKind::TimedOut)??;
    let asked = head.get(..read).unwrap_or_default();
    let (kind, body) = if asked.windows(10).any(|window| window == b"/jwks.json") {
        ("application/json", key_set)
    } else {
        ("application/x-pem-file", certificate)
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
    stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes()).await?;
    stream.shutdown().await
}
