//! An orders API that decides nothing about access itself: it asks the provider who calls (RFC 7662), loads what the call
//! is about, and asks the IAM whether that may be (AuthZEN). Read `endpoints.rs` first.
//!
//! Must not know `devenv`: everything arrives by environment variables, so that any provider and any IAM will do.

pub mod app;
pub mod config;
pub mod endpoints;
pub mod flaws;
pub mod iam;
pub mod operation;
pub mod order;
pub mod problem;
pub mod provider;
pub mod receivers;
pub mod router;
pub mod secret;
pub mod sessions;
pub mod statement;
pub mod step_up;
pub mod store;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

use crate::app::App;
use crate::config::Config;
use crate::iam::Iam;
use crate::provider::Provider;
use crate::store::Store;

/// How long the provider and the IAM may take to answer, before the request is refused for lack of an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// Why the API cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database, after waiting for it.
    #[error("the database is not there")]
    Database(#[from] sqlx::Error),
    /// The HTTP client.
    #[error("cannot set up the HTTP client")]
    Client(#[from] reqwest::Error),
    /// The listener.
    #[error("cannot serve")]
    Serve(#[from] std::io::Error),
}

/// Makes the API from its configuration and waits for the database.
///
/// # Errors
/// When the database does not come up.
pub async fn open(config: Config) -> Result<App, Error> {
    config.flaws.warn();
    let http = http_client(&[&config.provider.issuer, &config.iam.url])?;
    Ok(App {
        provider: Arc::new(Provider::new(http.clone(), config.provider)),
        iam: Arc::new(Iam::new(http, config.iam)),
        store: Store::open(&config.database).await?,
        sessions: Arc::default(),
        flaws: Arc::new(config.flaws),
    })
}

/// Serves until `shutdown` ends, then finishes the requests that have begun.
///
/// # Errors
/// When the listener fails.
pub async fn run(
    listener: TcpListener,
    app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    // Small answers must not wait for the acknowledgement of the ones before.
    let listener = listener.tap_io(|stream| {
        if let Err(cause) = stream.set_nodelay(true) {
            tracing::debug!(%cause, "a connection keeps its delay");
        }
    });
    Ok(axum::serve(listener, router::router(app)).with_graceful_shutdown(shutdown).await?)
}

/// A client for secrets and tokens: follows no redirect, which would carry them elsewhere, and no proxy that the environment names.
fn http_client(urls: &[&str]) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tcp_nodelay(true)
        .timeout(ANSWER_WITHIN);
    // Without TLS in sight, the machine's certificates need not be there: an image made from scratch has none.
    let plain = urls.iter().all(|url| url.starts_with("http:"));
    let builder = if plain { builder.tls_certs_only([]) } else { builder };
    builder.build()
}
