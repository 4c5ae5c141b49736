//! `mock-idp`: the provider as a program of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use mock_idp::{Config, Error};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// A local OAuth 2.0 and OpenID Connect provider, as strict as a certified one.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// The configuration, YAML or JSON.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Where to listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9400")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match serve(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        // The same numbers as `devenv`: 2 a file is wrong, 3 the world is not as needed.
        Err(error) => {
            tracing::error!("{error}");
            match error {
                Error::ConfigSyntax(_) | Error::Config(_) | Error::Key { .. } => ExitCode::from(2),
                Error::KeyGeneration | Error::Directory(_) | Error::Serve(_) => ExitCode::from(3),
            }
        }
    }
}

async fn serve(arguments: &Arguments) -> Result<(), Error> {
    let config = Config::parse(&read(&arguments.config)?)?;
    let listener = TcpListener::bind(arguments.listen).await?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    mock_idp::run(listener, config, async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
    .await
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path)
        .map_err(|error| Error::Config(format!("`{}` cannot be read: {error}", path.display())))
}
