//! The IAM as a program of its own: `mock-iam --config FILE [--listen ADDRESS]`.

use std::io::{IsTerminal, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use url::Url;

/// An emulated identity and access management: SCIM directory, Cedar policies behind AuthZEN, decision log.
#[derive(Parser)]
#[command(version, subcommand_negates_reqs = true, args_conflicts_with_subcommands = true)]
#[command(after_help = "To start with: mock-iam example > iam.yaml && mock-iam --config iam.yaml")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Configuration in YAML (or JSON): directory, policies, callers.
    #[arg(long, value_name = "FILE", required = true)]
    config: Option<PathBuf>,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9410")]
    listen: SocketAddr,
    /// How to log to standard error; what, says RUST_LOG (default: info).
    #[arg(long, value_enum, default_value_t)]
    log: LogFormat,
}

#[derive(Subcommand)]
enum Command {
    /// Print a complete configuration with fresh tokens.
    Example,
    /// Ask a running server how it is; exit 1 when it does not answer well.
    Healthcheck {
        /// Its health endpoint.
        #[arg(long, default_value = "http://127.0.0.1:9410/health")]
        url: Url,
    },
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum LogFormat {
    #[default]
    Text,
    Json,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Example) => Ok(std::io::stdout().write_all(example()?.as_bytes())?),
        Some(Command::Healthcheck { url }) => healthcheck(&url),
        None => {
            let path = arguments.config.context("a configuration is needed")?;
            serve(path, arguments.listen, arguments.log)
        }
    }
}

#[tokio::main]
async fn serve(path: PathBuf, listen: SocketAddr, log: LogFormat) -> anyhow::Result<()> {
    start_log(log);
    let mut config = mock_iam::config_file::read(&path)?;
    let listener = tokio::net::TcpListener::bind(listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {listen}"))?;
    if config.base_url.is_empty() {
        config.base_url = format!("http://localhost:{}", listener.local_addr()?.port());
    }
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let shutdown = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    Ok(mock_iam::run(listener, config, shutdown).await?)
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

/// The example, with a token of its own for each caller.
fn example() -> anyhow::Result<String> {
    let mut text = include_str!("../example/iam.yaml").to_owned();
    for caller in ["api", "idp", "hr", "tests"] {
        let mut token = [0_u8; 24];
        aws_lc_rs::rand::fill(&mut token).map_err(|_| anyhow::anyhow!("no randomness"))?;
        let token: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
        text = text.replace(&format!("{{{caller}}}"), &token);
    }
    Ok(text)
}

/// A request by hand: a client library is too much for one line of HTTP.
fn healthcheck(url: &Url) -> anyhow::Result<()> {
    const PATIENCE: Duration = Duration::from_secs(3);
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        bail!("`{url}` has no host");
    };
    let address = (host.trim_matches(['[', ']']), port).to_socket_addrs()?.next();
    let address = address.with_context(|| format!("`{host}` has no address"))?;
    let connected = TcpStream::connect_timeout(&address, PATIENCE);
    let mut stream = connected.with_context(|| format!("{address} does not answer"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n", url.path())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).unwrap_or_default();
    if status != "200" {
        bail!("{url} answers with status `{status}`");
    }
    Ok(())
}
