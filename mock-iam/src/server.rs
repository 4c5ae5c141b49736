//! A server on a listener that the caller bound. Must not know routes.

use tokio::net::TcpListener;

use crate::config::Config;
use crate::connection::{Cuttable, Link};
use crate::error::Error;
use crate::router::app;
use crate::state::State;

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
    let service = app(state).into_make_service_with_connect_info::<Link>();
    axum::serve(Cuttable(listener), service).with_graceful_shutdown(shutdown).await.map_err(Error::Serve)
}
