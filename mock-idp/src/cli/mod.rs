//! The command line: what was typed, and what is done with it.

mod defaults;
mod health;
mod welcome;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use mock_idp::secret::Secret;
use mock_idp::{Config, Error};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

const EXAMPLES: &str = "\
Examples:
  mock-idp                                   three personas and two clients at http://localhost:9400
  mock-idp --config idp.yaml                 your own
  mock-idp --print-config > idp.yaml         the default as a file to start from
  mock-idp healthcheck                       exit status 0 when a provider answers (for images without curl)

Without a file the clients are
  web       public, authorization code with PKCE and refresh,
            redirect URIs http://localhost:{3000,5173,8080}/callback
  backend   secret `backend-secret`, client credentials, refresh, authorization code, introspection

The control API (faults, clock, keys, minting, journal) exists when there is a control token: `control_token` in the
file, or --control-token-file.";

/// A local OAuth 2.0 and OpenID Connect provider, as strict as a certified one.
#[derive(Debug, Parser)]
#[command(version, about, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The configuration, YAML or JSON; without it, a useful default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9400")]
    listen: SocketAddr,
    /// The issuer, in place of the configured one; by default `http://localhost` with the port of --listen.
    #[arg(long, value_name = "URL", env = "MOCK_IDP_ISSUER")]
    issuer: Option<String>,
    /// A file that holds the control token, in place of the configured one.
    #[arg(long, value_name = "FILE", env = "MOCK_IDP_CONTROL_TOKEN_FILE")]
    control_token_file: Option<PathBuf>,
    /// How log lines look. `RUST_LOG=mock_idp=debug` logs each request.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// Writes the default configuration to standard output and ends.
    #[arg(long)]
    print_config: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ends with status 0 when a provider answers, with 1 otherwise.
    Healthcheck(health::Arguments),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// One JSON object to a line.
    Json,
}

/// Does what was asked for. The same numbers as `devenv`: 2 a file is wrong, 3 the world is not as needed.
pub(crate) async fn run(arguments: Arguments) -> ExitCode {
    if let Some(Command::Healthcheck(arguments)) = &arguments.command {
        return health::check(arguments).await;
    }
    if arguments.print_config {
        return welcome::print(defaults::TEXT);
    }
    log_to_stderr(arguments.log_format);
    match serve(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            match error {
                Error::ConfigSyntax(_) | Error::Config(_) | Error::Key { .. } => ExitCode::from(2),
                Error::KeyGeneration | Error::Directory(_) | Error::Serve(_) | Error::Tls(_) => ExitCode::from(3),
            }
        }
    }
}

async fn serve(arguments: &Arguments) -> Result<(), Error> {
    let config = configuration(arguments)?;
    let listener = TcpListener::bind(arguments.listen).await.map_err(|error| {
        Error::Serve(std::io::Error::new(error.kind(), format!("cannot listen on {}: {error}", arguments.listen)))
    })?;
    if arguments.log_format == LogFormat::Text {
        welcome::show(&config);
    }
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    mock_idp::run(listener, config, async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
    .await
}

fn configuration(arguments: &Arguments) -> Result<Config, Error> {
    let mut config = match &arguments.config {
        Some(path) => Config::parse(&read(path)?)?,
        None => defaults::config(arguments.listen)?,
    };
    if let Some(issuer) = &arguments.issuer {
        config.issuer.clone_from(issuer);
    }
    if let Some(path) = &arguments.control_token_file {
        config.control_token = Some(Secret::new(read(path)?.trim()));
    }
    Ok(config)
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path)
        .map_err(|error| Error::Config(format!("`{}` cannot be read: {error}", path.display())))
}

fn log_to_stderr(format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => subscriber.with_target(false).init(),
        LogFormat::Json => subscriber.json().flatten_event(true).init(),
    }
}
