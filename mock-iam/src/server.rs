//! A server on a listener that the caller bound. Must not know routes.

use std::time::Duration;

use tokio::net::TcpListener;

use crate::config::Config;
use crate::connection::{Cuttable, Link};
use crate::error::Error;
use crate::router::app;
use crate::state::State;
use crate::watch;

/// How long requests under way may take once the server shall stop: a client that never reads must not keep it.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until `shutdown` resolves, then finishes the requests under way.
///
/// # Errors
/// A configuration that cannot work, or a listener that fails.
pub async fn run(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let state = State::new(config)?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "listening");
    }
    let watched = state.watched().cloned();
    let watching = watched.map(|directory| tokio::spawn(watch::watch(state.clone(), directory)));
    let service = app(state).into_make_service_with_connect_info::<Link>();
    let (told, stopping) = tokio::sync::oneshot::channel();
    let shutdown = async move {
        shutdown.await;
        // Nobody listens when the server has ended by itself.
        told.send(()).unwrap_or_default();
    };
    let served = axum::serve(Cuttable(listener), service).with_graceful_shutdown(shutdown).into_future();
    let patience = async move {
        match stopping.await {
            Ok(()) => tokio::time::sleep(GRACE).await,
            Err(_) => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        served = served => served.map_err(Error::Serve),
        () = patience => {
            tracing::warn!("stopped with requests under way");
            Ok(())
        }
    };
    if let Some(watching) = watching {
        watching.abort();
    }
    ended
}
