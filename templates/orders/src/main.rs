//! The program: reads arguments and environment, then serves.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use orders_api::config::{Config, Sources, listen_address};
use orders_api::flaws::CATALOGUE;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: orders-api                                 serve (see README.md for the environment)
       orders-api --list-flaws [--format json]   the deliberate holes that ORDERS_FLAWS=name,name opens
       orders-api --healthcheck                  exit 0 when the API at LISTEN answers, else 1
";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => serve().await,
        ["--list-flaws"] => print(&flaws_as_text()),
        ["--list-flaws", "--format", "json"] | ["--list-flaws", "--format=json"] => match flaws_as_json() {
            Ok(text) => print(&text),
            Err(cause) => fail(1, &cause),
        },
        ["--healthcheck"] => healthcheck().await,
        ["--help" | "-h"] => print(USAGE),
        _ => {
            let _ = write!(std::io::stderr(), "{USAGE}");
            ExitCode::from(2)
        }
    }
}

async fn serve() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_unset| "info,sqlx=warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let variable = |name: &str| std::env::var(name).ok();
    let file = |path: &str| std::fs::read_to_string(path);
    match Config::read(&Sources { variable: &variable, file: &file }) {
        Ok(config) => match serve_until_told_to_stop(config).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(cause) => fail(1, &cause),
        },
        Err(cause) => fail(2, &cause),
    }
}

async fn serve_until_told_to_stop(config: Config) -> Result<(), orders_api::Error> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut stop = Box::pin(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("stopping");
    });
    let address = config.listen;
    let app = tokio::select! {
        app = orders_api::open(config) => app?,
        () = &mut stop => return Ok(()),
    };
    let listener = TcpListener::bind(address).await?;
    tracing::info!(%address, "serving");
    orders_api::run(listener, app, stop).await
}

/// Asks the API of this container: for images that have no other HTTP client in them.
async fn healthcheck() -> ExitCode {
    let address = match listen_address(std::env::var("LISTEN").ok()) {
        Ok(address) if address.ip().is_unspecified() => format!("127.0.0.1:{}", address.port()),
        Ok(address) => address.to_string(),
        Err(cause) => return fail(2, &cause),
    };
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(Duration::from_secs(2)).build();
    let answer = match client {
        Ok(client) => client.get(format!("http://{address}/health")).send().await,
        Err(cause) => Err(cause),
    };
    match answer {
        Ok(response) if response.status().is_success() => ExitCode::SUCCESS,
        Ok(_) | Err(_) => ExitCode::from(1),
    }
}

fn flaws_as_text() -> String {
    let line = |entry: &orders_api::flaws::Entry| {
        format!("{:<20} {:<10} {:<20} {}\n", entry.name, entry.owasp, entry.operation, entry.opens)
    };
    CATALOGUE.iter().map(line).collect()
}

fn flaws_as_json() -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(CATALOGUE.as_slice())? + "\n")
}

fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_closed) => ExitCode::from(1),
    }
}

fn fail(code: u8, cause: &dyn std::error::Error) -> ExitCode {
    let mut text = cause.to_string();
    let mut next = cause.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    let _ = writeln!(std::io::stderr(), "orders-api: {text}");
    ExitCode::from(code)
}
