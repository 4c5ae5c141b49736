//! The server's life: from a bound socket to the end. Must not know routes.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::{Listener, ListenerExt as _};
use tokio::net::TcpListener;

use crate::config::Config;
use crate::error::Error;
use crate::random;
use crate::router::app;
use crate::state::Provider;
use crate::tls::{self, TlsListener};

/// How long open requests may finish after the shutdown; stops one hanging client from keeping the process.
const GRACE: Duration = Duration::from_secs(2);

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
            until_shutdown(TlsListener::new(listener, acceptor)?, app, shutdown).await
        }
        None => {
            let listener = listener.tap_io(|stream| {
                // Small answers at once: waiting to fill a packet costs 40 ms. A socket that refuses is only slower.
                let _ = stream.set_nodelay(true);
            });
            until_shutdown(listener, app, shutdown).await
        }
    }
}

async fn until_shutdown<L>(
    listener: L,
    app: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error>
where
    L: Listener,
    L::Addr: std::fmt::Debug,
{
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        shutdown.await;
        let _ = stopping.send(());
    });
    let overdue = async move {
        let _ = stopped.await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        outcome = server.into_future() => Ok(outcome?),
        () = overdue => Ok(()),
    }
}
