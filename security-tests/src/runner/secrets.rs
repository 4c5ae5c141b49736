//! Passwords of a run: given or random, filled into requests by name, and taken out of answers again, so that nothing
//! that is recorded holds one. Must not know what they open.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::secret::Secret;
use crate::target::Target;

/// What a placeholder begins with.
const OPEN: &str = "${secret:";
/// A value of this length is replaced wherever it is; a shorter one, such as `pass1`, only as a whole JSON string.
const LONG: usize = 12;

/// All secrets by name.
pub(super) struct Secrets(Mutex<BTreeMap<String, Secret>>);

impl Secrets {
    /// The passwords that personas have already.
    pub(super) fn of(target: &Target) -> Self {
        let given = target.personas.iter().filter_map(|(name, persona)| {
            let password = persona.account.as_ref()?.password.clone()?;
            Some((name.clone(), password))
        });
        Self(Mutex::new(given.collect()))
    }

    /// The same value with every placeholder filled in.
    pub(super) fn fill(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) if text.contains(OPEN) => Value::String(self.fill_text(text)?),
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect::<Result<_, _>>()?,
            Value::Object(fields) => {
                let filled = fields.iter().map(|(name, field)| Ok((name.clone(), self.fill(field)?)));
                Value::Object(filled.collect::<Result<_, String>>()?)
            }
            other => other.clone(),
        })
    }

    fn fill_text(&self, text: &str) -> Result<String, String> {
        let mut parts = text.split(OPEN);
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').ok_or("a placeholder does not end")?;
            filled.push_str(self.value(name)?.expose());
            filled.push_str(rest);
        }
        Ok(filled)
    }

    /// The same text with the placeholder in place of each secret.
    pub(super) fn redact(&self, text: &str) -> String {
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = text.to_owned();
        for (name, secret) in secrets.iter() {
            let (value, placeholder) = (secret.expose(), format!("{OPEN}{name}}}"));
            if value.len() >= LONG {
                text = text.replace(value, &placeholder);
            } else if !value.is_empty() {
                text = text.replace(&format!("\"{value}\""), &format!("\"{placeholder}\""));
            }
        }
        text
    }

    fn value(&self, name: &str) -> Result<Secret, String> {
        let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(secret) = secrets.get(name) {
            return Ok(secret.clone());
        }
        let secret = random_password()?;
        secrets.insert(name.to_owned(), secret.clone());
        Ok(secret)
    }
}

/// 128 random bits, with what rules for passwords ask for: upper and lower case, a digit, a sign.
fn random_password() -> Result<Secret, String> {
    let mut bytes = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "there is no randomness")?;
    Ok(Secret::new(format!("Aa1-{}", URL_SAFE_NO_PAD.encode(bytes))))
}

/// The same text without anything that looks like a signed token (RFC 7515 §7.1).
pub(super) fn without_tokens(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("eyJ") {
        let (before, candidate) = rest.split_at(start);
        let in_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let end = candidate.find(|c| !in_token(c)).unwrap_or(candidate.len());
        let (token, after) = candidate.split_at(end);
        kept.push_str(before);
        kept.push_str(if token.matches('.').count() == 2 { "[token]" } else { token });
        rest = after;
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{Account, Persona};

    fn secrets() -> Secrets {
        let given = |password: &str| Persona {
            account: Some(Account { username: "u".into(), email: None, password: Some(Secret::new(password)) }),
            ..Persona::default()
        };
        let mut target = crate::plan::test_target();
        target.personas = [("admin", "pass1"), ("root", "a long password")]
            .map(|(name, password)| (name.to_owned(), given(password)))
            .into();
        Secrets::of(&target)
    }

    #[test]
    fn what_is_filled_in_is_taken_out_again() {
        let secrets = secrets();
        let filled = secrets.fill(&serde_json::json!({"user": {"password": "${secret:alice}"}})).unwrap();
        let text = filled.to_string();
        assert!(!text.contains("secret:") && text.len() > 40, "{text}");
        assert_eq!(secrets.redact(&text), r#"{"user":{"password":"${secret:alice}"}}"#);
    }

    #[test]
    fn a_short_password_is_only_taken_out_as_a_whole_value() {
        let text = r#"{"users":[{"password":"pass1","note":"pass10 a long password!"}]}"#;
        let expected = r#"{"users":[{"password":"${secret:admin}","note":"pass10 ${secret:root}!"}]}"#;
        assert_eq!(secrets().redact(text), expected);
    }

    #[test]
    fn tokens_are_taken_out_and_what_only_begins_like_one_stays() {
        assert_eq!(without_tokens(r#"{"t":"eyJh.eyJz.c_-1","eyJ":"eyJx"}"#), r#"{"t":"[token]","eyJ":"eyJx"}"#);
    }
}
