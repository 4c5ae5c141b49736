//! One file laid over another (Compose Specification, "Merge and override").
//!
//! Mappings merge by key, lists are joined, everything else is replaced; the keys that differ from that are listed in
//! [`rule`]. `!reset` and `!override` say otherwise in a file itself.

use std::sync::Arc;

use crate::manifest::report::Report;
use crate::manifest::tree::{Entry, Map, Node, Overlay, Position, Scalar, Value};

/// The whole of `over` laid over `base`.
pub(super) fn lay_over(report: &mut Report, base: &Arc<Node>, over: &Arc<Node>) -> Arc<Node> {
    merged(report, base, over, &mut Vec::new())
}

/// One service laid over the one that it extends.
pub(super) fn service(report: &mut Report, name: &str, base: &Arc<Node>, over: &Arc<Node>) -> Arc<Node> {
    merged(report, base, over, &mut vec!["services".to_owned(), name.to_owned()])
}

/// How the values of a key merge.
#[derive(Clone, Copy)]
enum Rule {
    /// Mappings by key, lists joined, anything else replaced.
    Deep,
    /// The later value counts as a whole.
    Replace,
    /// `NAME=value` lists and mappings are the same thing: a mapping.
    Pairs,
    /// A list of names and a mapping from names are the same thing: a mapping.
    Names,
    /// One value and a list of one are the same thing: a list without repetitions.
    Words,
    /// A list of things that are the same when this identifies them.
    Items(fn(&Node) -> Option<String>),
    /// `build: DIR` is `build: { context: DIR }`.
    Build,
    /// Options belong to a driver: another driver, other options.
    Logging,
}

fn rule(path: &[String]) -> Rule {
    let path: Vec<&str> =
        path.iter().map(String::as_str).filter(|step| !matches!(*step, "docker" | "embedded")).collect();
    match path.as_slice() {
        ["services", _, key] => of_service(key),
        ["services", _, "build", "args" | "labels" | "additional_contexts"]
        | ["services", _, "deploy", "labels"]
        | ["networks" | "volumes" | "secrets" | "configs", _, "labels"] => Rule::Pairs,
        ["services", _, "build", "extra_hosts" | "tags" | "cache_from" | "cache_to" | "platforms"] => Rule::Words,
        ["services", _, "healthcheck", "test"] | ["services", _, "ulimits", _] => Rule::Replace,
        _ => Rule::Deep,
    }
}

fn of_service(key: &str) -> Rule {
    match key {
        "command" | "entrypoint" | "run" | "ready" => Rule::Replace,
        "environment" | "labels" | "annotations" | "sysctls" => Rule::Pairs,
        "depends_on" | "networks" => Rule::Names,
        "build" => Rule::Build,
        "logging" => Rule::Logging,
        "volumes" | "devices" => Rule::Items(mount_target),
        "secrets" | "configs" => Rule::Items(file_target),
        "env_file" | "label_file" | "dns" | "dns_search" | "dns_opt" | "tmpfs" | "extra_hosts" | "expose"
        | "cap_add" | "cap_drop" | "security_opt" | "ports" | "profiles" | "group_add" | "links" | "external_links"
        | "volumes_from" => Rule::Words,
        _ => Rule::Deep,
    }
}

fn merged(report: &mut Report, base: &Arc<Node>, over: &Arc<Node>, path: &mut Vec<String>) -> Arc<Node> {
    if over.overlay != Overlay::Merge || base.is_null() {
        return Arc::clone(over);
    }
    if over.is_null() || base.overlay == Overlay::Reset {
        return Arc::clone(if over.is_null() { base } else { over });
    }
    match rule(path) {
        Rule::Replace => Arc::clone(over),
        Rule::Pairs => deep(report, &pairs(base), &pairs(over), path),
        Rule::Names => deep(report, &names(base), &names(over), path),
        Rule::Words => joined(&listed(base), &listed(over), word),
        Rule::Items(identity) => joined(base, over, identity),
        Rule::Build => deep(report, &build(base), &build(over), path),
        Rule::Logging if driver(base) != driver(over) && driver(over).is_some() => Arc::clone(over),
        Rule::Logging | Rule::Deep => deep(report, base, over, path),
    }
}

fn deep(report: &mut Report, base: &Arc<Node>, over: &Arc<Node>, path: &mut Vec<String>) -> Arc<Node> {
    match (&base.value, &over.value) {
        (Value::Map(below), Value::Map(above)) => {
            let mut entries: Vec<Entry> = Vec::new();
            for entry in below.iter() {
                let Some(over) = over.entry(&entry.key) else {
                    entries.push(entry.clone());
                    continue;
                };
                path.push(entry.key.clone());
                let value = merged(report, &entry.value, &over.value, path);
                path.pop();
                entries.push(Entry { value, ..over.clone() });
            }
            entries.extend(above.iter().filter(|entry| base.entry(&entry.key).is_none()).cloned());
            mapping(over.position, entries)
        }
        (Value::List(_), Value::List(_)) => joined(base, over, |_| None),
        (Value::Scalar(_), Value::Scalar(_)) => Arc::clone(over),
        _ => {
            let key = path.last().map(String::as_str).unwrap_or_default();
            let message = format!("`{key}` is {} here and {} in the file below", over.kind(), base.kind());
            report.error(over.position, message);
            Arc::clone(over)
        }
    }
}

/// Both lists; an item with an identity takes the place of the one below that has the same.
fn joined(base: &Arc<Node>, over: &Arc<Node>, identity: impl Fn(&Node) -> Option<String>) -> Arc<Node> {
    let (Value::List(below), Value::List(above)) = (&base.value, &over.value) else { return Arc::clone(over) };
    let mut items = below.clone();
    for item in above {
        let same = identity(item).and_then(|id| items.iter().position(|old| identity(old).as_ref() == Some(&id)));
        match same.and_then(|at| items.get_mut(at)) {
            Some(slot) => *slot = Arc::clone(item),
            None => items.push(Arc::clone(item)),
        }
    }
    Arc::new(Node::new(over.position, Value::List(items)))
}

fn mapping(position: Position, entries: Vec<Entry>) -> Arc<Node> {
    Arc::new(Node::new(position, Value::Map(Map::new(entries))))
}

/// A list of `NAME=value` as a mapping; the last of a name counts.
fn pairs(node: &Arc<Node>) -> Arc<Node> {
    let Value::List(items) = &node.value else { return Arc::clone(node) };
    let mut entries: Vec<Entry> = Vec::new();
    for item in items {
        let Some(text) = item.text() else { return Arc::clone(node) };
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Node::scalar(item.position, value)),
            None => (text, Node::new(item.position, Value::Null)),
        };
        entries.retain(|entry| entry.key != key);
        entries.push(Entry { key: key.to_owned(), position: item.position, value: Arc::new(value) });
    }
    mapping(node.position, entries)
}

/// A list of names as a mapping without values.
fn names(node: &Arc<Node>) -> Arc<Node> {
    let Value::List(items) = &node.value else { return Arc::clone(node) };
    let mut entries: Vec<Entry> = Vec::new();
    for item in items {
        let Some(text) = item.text() else { return Arc::clone(node) };
        if entries.iter().all(|entry| entry.key != text) {
            let value = Arc::new(Node::new(item.position, Value::Null));
            entries.push(Entry { key: text.to_owned(), position: item.position, value });
        }
    }
    mapping(node.position, entries)
}

fn listed(node: &Arc<Node>) -> Arc<Node> {
    match node.value {
        Value::Scalar(_) => Arc::new(Node::new(node.position, Value::List(vec![Arc::clone(node)]))),
        Value::Null | Value::List(_) | Value::Map(_) => Arc::clone(node),
    }
}

fn build(node: &Arc<Node>) -> Arc<Node> {
    match node.value {
        Value::Scalar(_) => {
            let entry = Entry { key: "context".to_owned(), position: node.position, value: Arc::clone(node) };
            mapping(node.position, vec![entry])
        }
        Value::Null | Value::List(_) | Value::Map(_) => Arc::clone(node),
    }
}

fn driver(node: &Node) -> Option<&str> {
    node.get("driver").and_then(Node::text)
}

fn word(node: &Node) -> Option<String> {
    match &node.value {
        Value::Scalar(Scalar { text, .. }) => Some(text.clone()),
        Value::Map(_) => Some(node.to_json().to_string()),
        Value::Null | Value::List(_) => None,
    }
}

/// Where a mount or device is seen: `SOURCE:TARGET:MODE` or `target:`.
fn mount_target(node: &Node) -> Option<String> {
    let Some(text) = node.text() else { return node.get("target").and_then(Node::text).map(str::to_owned) };
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        [target] | [_, target, ..] => Some((*target).to_owned()),
        [] => None,
    }
}

/// Where a secret or config is seen.
fn file_target(node: &Node) -> Option<String> {
    let text = node.text().or_else(|| node.get("target").and_then(Node::text));
    text.or_else(|| node.get("source").and_then(Node::text)).map(str::to_owned)
}
