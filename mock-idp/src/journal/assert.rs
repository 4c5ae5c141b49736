//! Did it happen as it should: "called once, in this order, with PKCE". Must not know HTTP.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Entry;
use crate::findings::{Finding, Relaxation};

/// What should have happened.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectation {
    #[serde(default)]
    pub(crate) calls: Vec<Call>,
    /// What permissive mode may have let through, and nothing besides; without it, anything.
    #[serde(default)]
    pub(crate) findings: Option<Vec<Relaxation>>,
    /// Whether the calls came in this order, each after the one before it.
    #[serde(default)]
    pub(crate) in_order: bool,
    /// Looks at entries with a higher sequence only.
    #[serde(default)]
    pub(crate) after: u64,
}

/// A request to look for. What is not said is not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Call {
    pub(crate) method: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) outcome: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) subject: Option<String>,
    /// Parameters that are shown, with these values.
    pub(crate) parameters: BTreeMap<String, String>,
    /// Parameters that came, shown or not.
    pub(crate) with: Vec<String>,
    /// Parameters that did not come.
    pub(crate) without: Vec<String>,
    /// An S256 challenge in an authorization request, a verifier in a token request.
    pub(crate) pkce: bool,
    /// How often, exactly; without it, once or more.
    pub(crate) times: Option<usize>,
}

impl Expectation {
    /// Whether it says anything: what asks for nothing would always hold.
    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.findings.is_none()
    }

    /// What was found although it should not have been.
    pub(crate) fn unexpected(&self, found: &[Finding]) -> Vec<String> {
        let Some(expected) = &self.findings else { return Vec::new() };
        let surprises = found.iter().filter(|one| !expected.contains(&one.finding));
        surprises.map(|one| format!("client `{}`, {} times: {}", one.client_id, one.times, one.reason)).collect()
    }
}

/// What is not as it should be; nothing when all is.
pub(crate) fn problems(entries: &[Entry], expected: &Expectation) -> Vec<String> {
    let entries: Vec<&Entry> = entries.iter().filter(|entry| entry.sequence > expected.after).collect();
    let mut problems = Vec::new();
    let mut last = 0;
    for (index, call) in expected.calls.iter().enumerate() {
        let found: Vec<u64> = entries.iter().filter(|entry| call.matches(entry)).map(|entry| entry.sequence).collect();
        let number = index + 1;
        match call.times {
            Some(times) if found.len() != times => {
                problems.push(format!("call {number} was expected {times} times and came {} times", found.len()));
            }
            None if found.is_empty() => problems.push(format!("call {number} did not come")),
            Some(_) | None => {}
        }
        if expected.in_order && !found.is_empty() {
            match found.iter().find(|sequence| **sequence > last) {
                Some(sequence) => last = *sequence,
                None => problems.push(format!("call {number} did not come after call {index}")),
            }
        }
    }
    problems
}

impl Call {
    fn matches(&self, entry: &Entry) -> bool {
        let note = &entry.note;
        let same = |wanted: &Option<String>, seen: Option<&str>| wanted.is_none() || wanted.as_deref() == seen;
        let came = |name: &String| note.parameters.contains_key(name) || note.withheld.contains(name);
        same(&self.method, Some(&entry.method))
            && same(&self.path, Some(&entry.path))
            && self.status.is_none_or(|status| status == entry.status)
            && same(&self.outcome, Some(note.outcome))
            && (same(&self.client_id, note.client_id.as_deref())
                || same(&self.client_id, note.parameters.get("client_id").map(String::as_str)))
            && same(&self.subject, note.subject.as_deref())
            && self.parameters.iter().all(|(name, value)| note.parameters.get(name) == Some(value))
            && self.with.iter().all(came)
            && !self.without.iter().any(came)
            && (!self.pkce || has_pkce(entry))
    }
}

fn has_pkce(entry: &Entry) -> bool {
    let note = &entry.note;
    let challenged = note.withheld.iter().any(|name| name == "code_challenge")
        && note.parameters.get("code_challenge_method").is_some_and(|method| method == "S256");
    challenged || note.withheld.iter().any(|name| name == "code_verifier")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::form::Parameters;
    use crate::journal::Note;

    fn entries() -> Vec<Entry> {
        let entry = |sequence, path: &str, form: &str| Entry {
            sequence,
            time: 0,
            method: "POST".to_owned(),
            path: path.to_owned(),
            status: 200,
            note: Note::outcome("done").with(&Parameters::parse(form.as_bytes())),
        };
        vec![
            entry(1, "/authorize", "client_id=web&code_challenge=x&code_challenge_method=S256"),
            entry(2, "/token", "client_id=web&code_verifier=y"),
            entry(3, "/token", "client_id=web&code_verifier=z"),
        ]
    }

    fn check(expectation: serde_json::Value) -> Vec<String> {
        problems(&entries(), &serde_json::from_value(expectation).unwrap())
    }

    #[test]
    fn what_happened_in_order_with_pkce_holds() {
        let calls = serde_json::json!([
            {"path": "/authorize", "client_id": "web", "pkce": true, "times": 1},
            {"path": "/token", "pkce": true, "without": ["client_secret"]},
        ]);
        assert_eq!(check(serde_json::json!({"calls": calls, "in_order": true})), Vec::<String>::new());
    }

    #[test]
    fn what_did_not_happen_so_is_said() {
        let calls = serde_json::json!([
            {"path": "/token", "times": 1},
            {"path": "/authorize"},
            {"path": "/revoke"},
        ]);
        assert_eq!(
            check(serde_json::json!({"calls": calls, "in_order": true})),
            ["call 1 was expected 1 times and came 2 times", "call 2 did not come after call 1", "call 3 did not come"]
        );
        let late = serde_json::json!({"calls": [{"path": "/authorize"}], "after": 1});
        assert_eq!(check(late), ["call 1 did not come"]);
    }
}
