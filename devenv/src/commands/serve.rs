//! `devenv serve`: one built-in service in this process, the same in a container and as a process.

use std::path::Path;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{Serve, ServeConfig, ServeService};
use crate::commands::Failure;
use crate::engine::readiness::ask;
use crate::exit::Exit;
use crate::relay;

pub(super) async fn run(args: Serve) -> Result<Exit, Failure> {
    log_to_stderr();
    let shutdown = shutdown()?;
    match args.service {
        ServeService::Idp(at) => {
            let listener = listen(&at).await?;
            mock_idp::run(listener, read(&at.config)?, shutdown).await.map_err(failed)?;
        }
        ServeService::Iam(at) => {
            let listener = listen(&at).await?;
            mock_iam::run(listener, read(&at.config)?, shutdown).await.map_err(failed)?;
        }
        ServeService::Relay { forwards } => {
            let parsed: Result<Vec<_>, _> = forwards.iter().map(|text| relay::Forward::parse(text)).collect();
            relay::run(parsed.map_err(failed)?, shutdown).await?;
        }
        ServeService::Probe { question } => ask(&question).await.map_err(failed)?,
        ServeService::Idle => shutdown.await,
    }
    Ok(Exit::Success)
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::World, error.to_string())
}

async fn listen(at: &ServeConfig) -> Result<TcpListener, Failure> {
    TcpListener::bind(at.listen).await.map_err(|error| failed(format!("cannot listen on {}: {error}", at.listen)))
}

fn read<C: serde::de::DeserializeOwned>(path: &Path) -> Result<C, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(Exit::Usage, format!("cannot read {}: {error}", path.display())))?;
    // JSON first, because what `devenv` writes is JSON and start-up time counts; YAML is what people write.
    serde_json::from_str(&text).or_else(|_| {
        serde_saphyr::from_str(&text).map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", path.display())))
    })
}

/// Resolves on SIGTERM or SIGINT.
fn shutdown() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("DEVENV_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false);
    drop(subscriber.try_init());
}
