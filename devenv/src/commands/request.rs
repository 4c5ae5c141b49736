//! `devenv request`: one request to the API as a persona.

use std::str::FromStr as _;

use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::{Format, Request};
use crate::commands::control::Control;
use crate::commands::session::Session;
use crate::commands::token::{access_token, known_persona};
use crate::commands::{Failure, running};
use crate::event::Reporter;
use crate::exit::Exit;
use crate::ui;

/// The persona that sends no token.
const ANONYMOUS: &str = "anonymous";

pub(super) async fn run(args: Request) -> Result<Exit, Failure> {
    let (reporter, _events) = Reporter::channel();
    let session = Session::open(&args.stack, &reporter)?;
    let control = Control::new(&session)?;
    let method = Method::from_str(&args.method.to_uppercase())
        .map_err(|_| Failure::new(Exit::Usage, format!("`{}` is no HTTP method", args.method)))?;
    let url = url(&session, &args, &reporter).await?;
    let mut request = control.http().request(method, &url);
    if args.persona != ANONYMOUS {
        known_persona(&session, &args.persona)?;
        request = request.bearer_auth(token(&control, &args).await?);
    }
    if let Some(text) = &args.json {
        let body: Value = serde_json::from_str(text)
            .map_err(|error| Failure::new(Exit::Usage, format!("`--json` is not JSON: {error}")))?;
        request = request.json(&body);
    }
    let answer = request.send().await.map_err(|error| {
        let text = format!("no answer from {url}: {}", error.without_url());
        Failure::with_help(Exit::World, text, "is the stack up? `devenv ps`")
    })?;
    show(answer, args.format).await;
    Ok(Exit::Success)
}

/// A path belongs to the service under test; a whole URL must be of this machine, because a token goes with it.
async fn url(session: &Session, args: &Request, reporter: &Reporter) -> Result<String, Failure> {
    if !args.path.contains("://") {
        let prepared = session.existing(reporter).await?;
        let service = running::service_under_test(&prepared, args.service.as_deref())?;
        let base = running::url_of(service).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("service `{}` has no port on this machine", service.name))
        })?;
        let slash = if args.path.starts_with('/') { "" } else { "/" };
        return Ok(format!("{base}{slash}{}", args.path));
    }
    let url =
        url::Url::parse(&args.path).map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", args.path)))?;
    let local = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let refused = || Failure::new(Exit::Usage, "a token of the stack is only sent to this machine (localhost)");
    if local { Ok(url.into()) } else { Err(refused()) }
}

async fn token(control: &Control<'_>, args: &Request) -> Result<String, Failure> {
    if let Some(token) = &args.token {
        return Ok(token.clone());
    }
    let answer = control.mint(&json!({ "persona": args.persona })).await?;
    Ok(access_token(&answer).to_owned())
}

/// The status goes to standard error, the body to standard output: `| jq` works.
async fn show(answer: reqwest::Response, format: Format) {
    let status = answer.status();
    let headers: Value = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), Value::from(String::from_utf8_lossy(value.as_bytes()))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let text = answer.text().await.unwrap_or_default();
    let body: Option<Value> = serde_json::from_str(&text).ok();
    match format {
        Format::Json => {
            let body = body.unwrap_or(Value::String(text));
            ui::print(&json!({ "status": status.as_u16(), "headers": headers, "body": body }).to_string());
        }
        Format::Text => {
            ui::complain(&format!("HTTP {status}"));
            if !text.is_empty() {
                let pretty = body.and_then(|body| serde_json::to_string_pretty(&body).ok());
                ui::print(&pretty.unwrap_or(text));
            }
        }
    }
}
