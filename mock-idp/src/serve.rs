//! The server's life: from a bound socket to the end. Must not know routes.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::{Listener, ListenerExt as _};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::error::Error;
use crate::random;
use crate::router::app;
use crate::state::Provider;
use crate::tls::{self, TlsListener};

/// How long open requests may finish after the shutdown; stops one hanging client from keeping the process.
const GRACE: Duration = Duration::from_secs(2);
/// How long the head of a request may take, and a kept connection wait for one: stops clients that send a byte now and then
/// from holding connections for ever.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest head of a request that is read; what is larger is answered with 431.
const MAX_HEAD: usize = 64 * 1024;
/// Connections at a time; with [`MAX_HEAD`] it bounds the memory that clients can take. Others wait until one ends.
const MAX_CONNECTIONS: usize = 1_000;

/// Serves on a socket that the caller bound, until `shutdown` completes and open requests are answered.
///
/// # Errors
/// When the configuration or its signing key cannot be used, or the socket fails.
pub async fn run(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let provider = Provider::new(config)?;
    // The first random number of a process can take 30 ms (entropy is gathered from timing), and RSA keys take long: not the
    // first client's time. Whoever needs a key before it is made waits for it alone.
    tokio::task::spawn_blocking(|| drop(random::bearer_value()));
    for issuer in std::iter::once(&provider).chain(&provider.issuers) {
        let keys = Arc::clone(&issuer.keys);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = keys.complete() {
                tracing::error!(%error, "a signing key could not be made; it is tried again when it is needed");
            }
        });
    }
    tracing::info!(issuer = provider.config.issuer, "the provider is ready");
    let app = app(Arc::clone(&provider));
    match &provider.config.tls {
        Some(tls) => {
            let acceptor = tls::acceptor(&provider.config, tls)?;
            until_shutdown(TlsListener::new(listener, acceptor)?, app, MAX_CONNECTIONS, shutdown).await
        }
        None => {
            let listener = listener.tap_io(|stream| {
                // Small answers at once: waiting to fill a packet costs 40 ms. A socket that refuses is only slower.
                let _ = stream.set_nodelay(true);
            });
            until_shutdown(listener, app, MAX_CONNECTIONS, shutdown).await
        }
    }
}

/// Accepts until the shutdown, then lets open requests finish for a while.
async fn until_shutdown(
    mut listener: impl Listener,
    app: Router,
    most_connections: usize,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    let (stop, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            (stream, _) = listener.accept(), if connections.len() < most_connections => {
                connections.spawn(connection(stream, app.clone(), stopped.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    drop(stop);
    let finished = async { while connections.join_next().await.is_some() {} };
    // Whatever is open after that is dropped with the set.
    let _ = tokio::time::timeout(GRACE, finished).await;
    Ok(())
}

/// Answers the requests of one connection; after the shutdown, the one that is being answered and no more.
async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin, app: Router, mut stopped: watch::Receiver<()>) {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD);
    let mut open = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app)));
    let outcome = tokio::select! {
        outcome = &mut open => outcome,
        _ = stopped.changed() => {
            open.as_mut().graceful_shutdown();
            open.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_comes_when_all_connections_are_taken_waits_until_an_idle_one_is_let_go() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().route("/", axum::routing::get(|| async { "hello" }));
        tokio::spawn(until_shutdown(listener, app, 2, std::future::pending()));
        let mut times = Vec::new();
        let _idle = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
        for _ in 0..2 {
            let begin = Instant::now();
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.ends_with("hello"), "{answer}");
            times.push(begin.elapsed());
        }
        assert_eq!((times[0], times[1].as_secs()), (HEAD_TIMEOUT, 0));
    }
}
