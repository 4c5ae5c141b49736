//! `mock-idp healthcheck`: does a provider answer?

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What to ask.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9400/health")]
    url: String,
    /// The authority's certificate of a provider that serves HTTPS.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

pub(super) async fn check(arguments: &Arguments) -> ExitCode {
    match ask(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            super::welcome::complain(&format!("{}: {problem}", arguments.url));
            ExitCode::FAILURE
        }
    }
}

async fn ask(arguments: &Arguments) -> Result<(), String> {
    let certificates = match &arguments.ca {
        Some(path) => {
            let pem = std::fs::read(path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
            vec![reqwest::Certificate::from_pem(&pem).map_err(|error| error.to_string())?]
        }
        None => Vec::new(),
    };
    let client = reqwest::Client::builder().timeout(TIMEOUT).no_proxy().tls_certs_only(certificates).build();
    let answer = client.map_err(|error| error.to_string())?.get(&arguments.url).send().await;
    let status = answer
        .map_err(|error| if error.is_timeout() { "no answer in time".into() } else { error.to_string() })?
        .status();
    if status.is_success() { Ok(()) } else { Err(format!("status {status}")) }
}
