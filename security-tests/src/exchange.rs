//! One request and what came back, and how two answers compare. Must not know who was allowed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use serde_json::Value;

/// What happened to one step of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// Where it went, with identifiers filled in.
    pub url: String,
    /// The answer, or why there is none.
    pub result: Result<Answer, NoAnswer>,
    /// How long it took.
    pub duration_ms: f64,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Where a redirect points to, or what was created.
    pub location: Option<String>,
    /// How it asks for better credentials (RFC 9110 §11.6.1).
    pub challenge: Option<String>,
    /// The body as text.
    pub text: String,
    /// The body as JSON, when it is.
    pub json: Option<Value>,
    /// Whether it brought a token, where one was looked for.
    pub signed_in: bool,
    /// What there is to say of the token that was sent, for reports; never the token.
    pub remark: Option<String>,
}

/// Why a step has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The target did not answer.
    Transport(String),
    /// Something that the request needs is missing: an object, a token.
    NotSent(String),
    /// The request makes no sense with these tokens.
    NotApplicable(String),
    /// The budget of the run was used up before.
    OutOfTime(String),
}

/// Fields in which APIs that answer 200 to everything say whether it worked.
const DISCRIMINATORS: [&str; 7] = ["status", "success", "ok", "result", "error", "code", "type"];

/// What such a field says when it did not.
const NEGATIVE: [&str; 9] =
    ["fail", "failed", "failure", "error", "denied", "unauthorized", "unauthenticated", "forbidden", "not_found"];

impl Answer {
    /// An answer with its body parsed.
    #[must_use]
    pub fn new(status: u16, text: String) -> Self {
        let json = serde_json::from_str(&text).ok();
        Self { status, text, json, ..Self::default() }
    }

    /// Whether the status says that it worked.
    #[must_use]
    pub fn is_2xx(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the server failed.
    #[must_use]
    pub fn is_5xx(&self) -> bool {
        self.status >= 500
    }

    /// Whether the body itself says no, in words that the answer to somebody allowed does not use: a field such as
    /// `"status": "fail"`, or GraphQL's `errors` (GraphQL specification §7.1).
    #[must_use]
    pub fn says_no(&self, allowed: Option<&Answer>) -> bool {
        let errors =
            |answer: &Answer| field(answer, "errors").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
        if errors(self) && !allowed.is_some_and(errors) {
            return true;
        }
        DISCRIMINATORS.iter().any(|name| {
            let ours = field(self, name);
            ours.is_some_and(is_negative) && ours != allowed.and_then(|answer| field(answer, name))
        })
    }

    /// Whether two answers say the same in the same form: status, discriminating fields and fields.
    #[must_use]
    pub fn resembles(&self, other: &Answer) -> bool {
        let same_words = DISCRIMINATORS.iter().all(|name| match (field(self, name), field(other, name)) {
            (Some(Value::Bool(ours)), Some(Value::Bool(theirs))) => ours == theirs,
            (Some(ours), Some(theirs)) => is_negative(ours) == is_negative(theirs),
            (None, None) => true,
            _ => false,
        });
        same_words && self.is_2xx() == other.is_2xx() && self.has_form_of(other)
    }

    /// Whether both bodies have the same fields; for text, whether they are equal.
    #[must_use]
    pub fn has_form_of(&self, other: &Answer) -> bool {
        match (&self.json, &other.json) {
            (Some(ours), Some(theirs)) => same_form(ours, theirs),
            (None, None) => self.text == other.text,
            _ => false,
        }
    }

    /// Whether nothing is in it: an empty body, list or object, or a list inside an envelope that is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.json {
            Some(value) => is_empty(value),
            None => self.text.trim().is_empty(),
        }
    }

    /// The top-level fields that differ; `*` when the bodies are not both objects.
    #[must_use]
    pub fn changed_fields(&self, other: &Answer) -> BTreeSet<String> {
        match (&self.json, &other.json) {
            (Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
                let names = ours.keys().chain(theirs.keys());
                names.filter(|name| ours.get(*name) != theirs.get(*name)).cloned().collect()
            }
            _ if self.text != other.text => BTreeSet::from(["*".to_owned()]),
            _ => BTreeSet::new(),
        }
    }
}

impl NoAnswer {
    /// The reason in words.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            NoAnswer::Transport(reason)
            | NoAnswer::NotSent(reason)
            | NoAnswer::NotApplicable(reason)
            | NoAnswer::OutOfTime(reason) => reason,
        }
    }
}

/// What `$.a.b` points to in a JSON value.
#[must_use]
pub fn at_path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let path = path.strip_prefix('$').unwrap_or(path);
    path.split('.').filter(|part| !part.is_empty()).try_fold(value, |value, part| value.get(part))
}

/// The values of a field wherever it is in a value.
#[must_use]
pub fn find_field<'a>(value: &'a Value, name: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get(name));
                open.extend(fields.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    found
}

fn field<'a>(answer: &'a Answer, name: &str) -> Option<&'a Value> {
    answer.json.as_ref()?.get(name)
}

fn is_negative(value: &Value) -> bool {
    match value {
        Value::String(text) => NEGATIVE.contains(&text.to_ascii_lowercase().as_str()),
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_u64().is_some_and(|code| (400..600).contains(&code)),
        _ => false,
    }
}

fn same_form(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(name, value)| theirs.get(name).is_some_and(|other| same_form(value, other)))
        }
        (Value::Array(ours), Value::Array(theirs)) => match (ours.first(), theirs.first()) {
            (Some(ours), Some(theirs)) => same_form(ours, theirs),
            _ => true,
        },
        (Value::Null, _) | (_, Value::Null) => true,
        _ => std::mem::discriminant(ours) == std::mem::discriminant(theirs),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => {
            let collections = fields.values().filter(|value| value.is_array());
            fields.is_empty() || (fields.values().any(Value::is_array) && collections.into_iter().all(is_empty))
        }
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Answer {
        Answer::new(200, body.to_owned())
    }

    #[test]
    fn a_denial_in_the_body_is_recognised_by_what_success_does_not_say() {
        let success = answer(r#"{"status": "success", "data": {"id": 1}}"#);
        assert!(answer(r#"{"status": "fail", "message": "no"}"#).says_no(Some(&success)));
        assert!(answer(r#"{"success": false}"#).says_no(None));
        assert!(answer(r#"{"data": null, "errors": [{"message": "no"}]}"#).says_no(Some(&success)));
        assert!(!success.says_no(Some(&success)));
        assert!(!answer(r#"{"status": "failed"}"#).says_no(Some(&answer(r#"{"status": "failed"}"#))));
    }

    #[test]
    fn forms_compare_fields_and_not_values() {
        let order = answer(r#"{"id": "1", "items": [{"n": 1}]}"#);
        assert!(order.resembles(&answer(r#"{"id": "2", "items": []}"#)));
        assert!(!order.resembles(&answer(r#"{"id": "2"}"#)));
        assert!(!order.resembles(&Answer::new(404, order.text.clone())));
        assert!(!answer(r#"{"ok": true}"#).resembles(&answer(r#"{"ok": false}"#)));
    }

    #[test]
    fn emptiness_looks_into_envelopes() {
        assert!(answer("[]").is_empty() && answer(r#"{"items": [], "total": 0}"#).is_empty() && answer("").is_empty());
        assert!(!answer(r#"{"id": 1}"#).is_empty() && !answer(r#"{"items": [1]}"#).is_empty());
    }

    #[test]
    fn paths_and_nested_fields_are_found() {
        let value = serde_json::json!({"a": {"b": 7}, "list": [{"margin": 1}, {"margin": 2}]});
        assert_eq!(at_path(&value, "$.a.b"), Some(&serde_json::json!(7)));
        assert_eq!(at_path(&value, "$.a.c"), None);
        assert_eq!(find_field(&value, "margin").len(), 2);
    }
}
