//! What people read on the terminal.

use std::io::Write as _;
use std::process::ExitCode;

use mock_idp::Config;

/// Says where to go.
pub(super) fn show(config: &Config) {
    let issuer = config.issuer.trim_end_matches('/');
    let names = |names: Vec<&String>| names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let mut text = format!(
        "\nissuer      {}\ndiscovery   {issuer}/.well-known/openid-configuration\npeople      {}\nclients     {}\n",
        config.issuer,
        names(config.personas.keys().collect()),
        names(config.clients.keys().collect()),
    );
    match config.control_token {
        Some(_) => text.push_str(&format!("journal     {issuer}/journal\ncontrol     {issuer}/control/v1/\n")),
        None => text.push_str("control     off; --control-token-file FILE turns the control API and the journal on\n"),
    }
    complain(&text);
}

/// A line for people on standard error. Nobody may be reading: that is no failure.
pub(super) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Text for programs on standard output.
pub(super) fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
