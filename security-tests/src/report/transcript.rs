//! Every exchange of a run as text, with what came back: for somebody who looks at one finding. Must not show a token.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use serde_json::Value;

use super::shown;
use crate::exchange::Exchange;
use crate::plan::StepId;
use crate::run::{JudgedCase, Run};
use crate::verdict::Outcome;

/// So much of a body is shown.
const MOST: usize = 800;
/// Fields whose value is nobody's business, compared in lower case without `_` and `-`.
const SECRET: [&str; 9] =
    ["accesstoken", "authtoken", "idtoken", "refreshtoken", "token", "jwt", "password", "secret", "clientsecret"];

/// The cases that were run, each with its exchanges and its verdict.
#[must_use]
pub fn transcript(run: &Run) -> String {
    let mut text = String::new();
    let mut told = BTreeSet::new();
    for case in run.cases.iter().filter(|case| !matches!(case.outcome, Outcome::NotApplicable(_))) {
        text.push_str(&case_text(run, case, &mut told));
        text.push('\n');
    }
    text
}

fn case_text(run: &Run, case: &JudgedCase, told: &mut BTreeSet<StepId>) -> String {
    let mut text = format!("{}\n", case.id);
    let mut again = 0;
    for step in &case.steps {
        if !told.insert(*step) {
            again += 1;
            continue;
        }
        let Some(line) = shown(run, *step) else { continue };
        text.push_str(&format!("  {:<8} {}\n", line.role, line.curl));
        let exchange = run.exchanges.get(*step).and_then(Option::as_ref);
        text.push_str(&format!("  {:<8} {}\n", "", answer(exchange)));
    }
    if again > 0 {
        text.push_str(&format!("  ({again} more exchanges are told above)\n"));
    }
    text.push_str(&format!("  {}: {}\n", case.outcome.as_str(), case.outcome.reason()));
    text
}

fn answer(exchange: Option<&Exchange>) -> String {
    match exchange.map(|exchange| (&exchange.result, exchange.duration_ms)) {
        None => "not sent".to_owned(),
        Some((Err(reason), _)) => format!("no answer: {}", reason.reason()),
        Some((Ok(answer), took)) => {
            let body = answer.json.as_ref().map_or_else(|| answer.text.clone(), |json| hide(json).to_string());
            let body: String = without_tokens(&body).split_whitespace().collect::<Vec<_>>().join(" ");
            let shown: String = body.chars().take(MOST).collect();
            let more = if shown.len() < body.len() { "…" } else { "" };
            format!("→ {} in {took:.0} ms  {shown}{more}", answer.status).trim_end().to_owned()
        }
    }
}

fn hide(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), field(name, value))).collect())
        }
        Value::Array(items) => items.iter().map(hide).collect(),
        other => other.clone(),
    }
}

fn field(name: &str, value: &Value) -> Value {
    let plain: String = name.to_lowercase().chars().filter(|c| !matches!(c, '_' | '-')).collect();
    if SECRET.contains(&plain.as_str()) && value.is_string() { "[hidden]".into() } else { hide(value) }
}

/// Whatever looks like a JWT (RFC 7519) is hidden, wherever it is.
fn without_tokens(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("eyJ") {
        let (before, token) = rest.split_at(start);
        out.push_str(before);
        let end = token.find(|c| !is_part(c)).unwrap_or(token.len());
        let (token, after) = token.split_at(end);
        let is_token = token.len() > 20 && token.contains('.');
        out.push_str(if is_token { "[token]" } else { token });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_passwords_are_hidden_wherever_they_are() {
        let body =
            serde_json::json!({"user": {"password": "hunter2", "auth-token": "x", "name": "alice"}, "tokens": 3});
        assert_eq!(
            hide(&body)["user"],
            serde_json::json!({"password": "[hidden]", "auth-token": "[hidden]", "name": "alice"})
        );
        assert_eq!(without_tokens("got eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.x, ok"), "got [token], ok");
        assert_eq!(without_tokens("eyJust a word"), "eyJust a word");
    }
}
