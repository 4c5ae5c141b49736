//! What a decision log must not keep: secrets that callers send as properties, and texts without end.
//!
//! Must not know decisions.

use serde_json::Value;

/// Parts of names whose values are nobody's business.
const SECRETS: [&str; 8] = ["password", "passwd", "secret", "token", "credential", "authorization", "cookie", "key"];
/// The longest text of a value, in characters.
const LONGEST: usize = 256;
/// The most members of a list or object.
const MOST: usize = 50;

/// A value of this name as the log may keep it.
pub(super) fn value(name: &str, value: &Value) -> Value {
    let lower = name.to_lowercase();
    if SECRETS.iter().any(|secret| lower.contains(secret)) {
        return "[redacted]".into();
    }
    match value {
        Value::String(text) => self::text(text).into(),
        Value::Array(values) => values.iter().take(MOST).map(|value| self::value("", value)).collect(),
        Value::Object(values) => {
            let values = values.iter().take(MOST);
            Value::Object(values.map(|(name, value)| (text(name), self::value(name, value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// A text, cut where it becomes too long.
pub(super) fn text(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}
