//! What a key is for, in the words of the types that hold it. Must not know keys.
//!
//! The documentation of the manifest's types begins with the key in backticks: that is read here, so that editors show
//! what the documentation says.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::Step;

const MODEL: &str = include_str!("../model.rs");
const OPTIONS: &str = include_str!("../options.rs");

/// The description of a key of the mapping at a path.
pub(super) fn of_manifest(path: &[Step], key: &str) -> Option<String> {
    let keys: Vec<&str> = path
        .iter()
        .filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Item => None,
        })
        .collect();
    let types: &[&str] = match keys.as_slice() {
        [] => &["Manifest"],
        ["services", _] | ["services", _, "docker" | "embedded"] => &["Service", "ContainerOptions"],
        ["services", _, "build"] => &["Build"],
        ["idp"] => &["Idp"],
        ["iam"] => &["Iam"],
        ["identity"] => &["Identity"],
        ["identity", "clients", _] => &["Client"],
        _ => return None,
    };
    types.iter().find_map(|name| description(MODEL, name, key).or_else(|| description(OPTIONS, name, key)))
}

/// The sentence after `` `key:` `` in the documentation of a type's fields.
fn description(source: &str, name: &str, key: &str) -> Option<String> {
    let (_, body) = source.split_once(&format!("\npub struct {name} {{\n"))?;
    let (body, _) = body.split_once("\n}\n")?;
    let start = format!("/// `{key}:`");
    let text = body.lines().find_map(|line| line.trim().strip_prefix(&start))?;
    let text = text.trim().trim_start_matches(';').trim().trim_end_matches('.');
    (!text.is_empty()).then(|| text.to_owned())
}
