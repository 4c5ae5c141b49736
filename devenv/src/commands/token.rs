//! `devenv token`: an access token of a persona, as the provider would issue it, or deliberately different.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::cli::{Format, Token};
use crate::commands::Failure;
use crate::commands::control::Control;
use crate::commands::session::Session;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::ui;

pub(super) async fn run(args: Token) -> Result<Exit, Failure> {
    let (reporter, _events) = Reporter::channel();
    let session = Session::open(&args.stack, &reporter)?;
    known_persona(&session, &args.persona)?;
    let mut order = Map::from_iter([("persona".to_owned(), json!(args.persona))]);
    order.extend(args.lifetime.map(|lifetime| ("lifetime_seconds".to_owned(), json!(lifetime))));
    if !args.claims.is_empty() {
        order.insert("claims".into(), Value::Object(claims(&args.claims)?));
    }
    let answer = Control::new(&session)?.mint(&Value::Object(order)).await?;
    let token = access_token(&answer);
    match args.format {
        Format::Text => ui::print(token),
        Format::Json => {
            let decoded = token.split('.').take(2).filter_map(decode).collect::<Vec<_>>();
            let mut value = answer.as_object().cloned().unwrap_or_default();
            value.insert("header".into(), decoded.first().cloned().unwrap_or(Value::Null));
            value.insert("claims".into(), decoded.get(1).cloned().unwrap_or(Value::Null));
            ui::print(&Value::Object(value).to_string());
        }
    }
    Ok(Exit::Success)
}

/// The token of an answer of the provider (RFC 6749 §5.1).
pub(super) fn access_token(answer: &Value) -> &str {
    answer.get("access_token").and_then(Value::as_str).unwrap_or_default()
}

/// A persona that nobody knows is a mistake of the command line, not of the stack.
pub(super) fn known_persona(session: &Session, name: &str) -> Result<(), Failure> {
    let personas = &session.manifest.identity.personas;
    if personas.contains_key(name) {
        return Ok(());
    }
    let names: Vec<&str> = personas.keys().map(String::as_str).collect();
    Err(Failure::with_help(Exit::Usage, format!("no persona `{name}`"), format!("there are {}", names.join(", "))))
}

fn claims(pairs: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut claims = Map::new();
    for pair in pairs {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::new(Exit::Usage, format!("`--claim {pair}` is not of the form NAME=VALUE")))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.into()));
        claims.insert(name.into(), value);
    }
    Ok(claims)
}

fn decode(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
