//! The flows of `mock-idp` through the crate `openidconnect`, and through `oauth2` by itself. See `../run`.
//!
//! `mock-idp-openidconnect PROGRAM PORT` starts a provider and runs each flow; `mock-idp-openidconnect login ISSUER` logs
//! alice in once per line of its input, and answers each with `accepted` or what was wrong.

mod flows;
mod login;
mod plain_http;
mod plain_oauth;

use std::io::BufRead as _;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use login::{Outcome, told};

pub(crate) const CONTROL: &str = "control-token-of-the-test";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["login", issuer] => answer_lines(issuer),
        [program, port] => flows_of(program, port),
        _ => Err("which mock-idp, and which port?".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", told(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn answer_lines(issuer: &str) -> Outcome {
    for line in std::io::stdin().lock().lines() {
        line?;
        match login::discover(issuer).and_then(|metadata| login::login(&login::client(&metadata, "web", None)?)) {
            Ok(_) => println!("accepted"),
            Err(error) => println!("noticed {}", told(error.as_ref())),
        }
    }
    Ok(())
}

/// Ends the provider whatever happens.
struct Provider(Child);

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn flows_of(program: &str, port: &str) -> Outcome {
    let issuer = format!("http://localhost:{port}");
    let of = |algorithm| {
        serde_json::json!({
            "redirect_uris": [login::CALLBACK],
            "grants": ["authorization_code", "refresh_token"],
            "scopes": ["orders:read"],
            "id_token_signed_response_alg": algorithm,
        })
    };
    let config = serde_json::json!({
        "issuer": issuer,
        "control_token": CONTROL,
        "personas": {"alice": {"tenant": "acme", "roles": ["customer"]}},
        "device_authorization": {"interval_seconds": 1},
        "clients": {
            "ES256": of("ES256"), "RS256": of("RS256"), "PS256": of("PS256"), "EdDSA": of("EdDSA"),
            "backend": {"secret": "backend-secret", "grants": ["client_credentials"], "scopes": ["orders:read"]},
            "television": {"grants": ["device_code"], "scopes": ["orders:read"]},
        },
    });
    std::fs::write("openidconnect.json", config.to_string())?;
    let listen = format!("127.0.0.1:{port}");
    let arguments = ["--config", "openidconnect.json", "--listen", &listen];
    let _provider = Provider(Command::new(program).args(arguments).stderr(Stdio::null()).spawn()?);
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(&listen).is_err() {
        if Instant::now() > deadline {
            return Err("the provider does not start".into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    match flows::run(&issuer) {
        0 => Ok(()),
        failed => Err(format!("{failed} flows failed").into()),
    }
}
