//! The IAM as a program of its own: `mock-iam --config FILE [--listen ADDRESS]`.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// An emulated identity and access management: SCIM directory, Cedar policies behind AuthZEN, decision log.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Configuration in YAML (or JSON): directory, policies, callers.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9410")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let path = arguments.config.display();
    let text = std::fs::read_to_string(&arguments.config).with_context(|| format!("cannot read `{path}`"))?;
    let config = parse(&text).with_context(|| format!("`{path}` is not a configuration"))?;
    let listener = tokio::net::TcpListener::bind(arguments.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let shutdown = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    Ok(mock_iam::run(listener, config, shutdown).await?)
}

/// Reads a configuration; a message must not show the text, which carries bearer tokens.
fn parse(text: &str) -> Result<mock_iam::Config, serde_saphyr::Error> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options)
}
