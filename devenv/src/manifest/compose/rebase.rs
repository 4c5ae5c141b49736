//! Paths of a file that lies elsewhere, made relative to the project's directory.

use std::path::Path;
use std::sync::Arc;

use super::normalized;
use crate::manifest::tree::{Map, Node, Value};

/// All paths of a file whose paths are relative to `base`.
pub(super) fn root(node: &Arc<Node>, base: &Path) -> Arc<Node> {
    if base.as_os_str().is_empty() {
        return Arc::clone(node);
    }
    each(node, |key, value| match key {
        "services" => each(value, |_, value| service(value, base)),
        "secrets" | "configs" => each(value, |_, value| each(value, |key, value| under(key == "file", value, base))),
        "include" => items(value, |item| match item.value {
            Value::Map(_) => each(item, |key, value| match key {
                "path" | "env_file" => items(value, |item| path(item, base)),
                _ => under(key == "project_directory", value, base),
            }),
            Value::Null | Value::Scalar(_) | Value::List(_) => path(item, base),
        }),
        _ => Arc::clone(value),
    })
}

fn service(node: &Arc<Node>, base: &Path) -> Arc<Node> {
    each(node, |key, value| match key {
        "build" => build(value, base),
        "env_file" | "label_file" => items(value, |item| match item.value {
            Value::Map(_) => each(item, |key, value| under(key == "path", value, base)),
            Value::Null | Value::Scalar(_) | Value::List(_) => path(item, base),
        }),
        "extends" => each(value, |key, value| under(key == "file", value, base)),
        "binary" => each(value, |key, value| under(key == "path", value, base)),
        "volumes" => items(value, |item| volume(item, base)),
        "develop" => each(value, |key, value| match key {
            "watch" => items(value, |item| each(item, |key, value| under(key == "path", value, base))),
            _ => Arc::clone(value),
        }),
        "docker" | "embedded" => service(value, base),
        _ => Arc::clone(value),
    })
}

fn build(node: &Arc<Node>, base: &Path) -> Arc<Node> {
    match node.value {
        Value::Map(_) => {
            let build = each(node, |key, value| match key {
                "context" => context(value, base),
                "additional_contexts" => each(value, |_, value| context(value, base)),
                _ => Arc::clone(value),
            });
            if build.get("context").is_some() {
                return build;
            }
            let value = Arc::new(Node::scalar(node.position, shown(base)));
            let entry = crate::manifest::tree::Entry { key: "context".to_owned(), position: node.position, value };
            super::with_entry(&build, "context", Some(entry))
        }
        Value::Null | Value::Scalar(_) | Value::List(_) => context(node, base),
    }
}

/// A directory, or something that is not of this machine: a URL, `docker-image://…`, `service:…`.
fn context(node: &Arc<Node>, base: &Path) -> Arc<Node> {
    let elsewhere = |text: &str| {
        text.contains("://")
            || text.starts_with("git@")
            || text.starts_with("github.com/")
            || text.starts_with("service:")
    };
    under(!node.text().is_some_and(elsewhere), node, base)
}

/// `./data:/data`, or `{ type: bind, source: ./data }`; names of volumes stay.
fn volume(node: &Arc<Node>, base: &Path) -> Arc<Node> {
    let Some(text) = node.text() else {
        let bind = node.get("type").and_then(Node::text) == Some("bind");
        return each(node, |key, value| under(bind && key == "source", value, base));
    };
    match text.split_once(':') {
        Some((source, rest)) if source.starts_with('.') => {
            let text = format!("./{}:{rest}", shown(&base.join(source)));
            Arc::new(Node { value: scalar(text), ..Node::clone(node) })
        }
        _ => Arc::clone(node),
    }
}

fn under(wanted: bool, node: &Arc<Node>, base: &Path) -> Arc<Node> {
    if wanted { path(node, base) } else { Arc::clone(node) }
}

fn path(node: &Arc<Node>, base: &Path) -> Arc<Node> {
    match node.text() {
        Some(text) if !text.is_empty() && !text.starts_with('~') => {
            Arc::new(Node { value: scalar(shown(&base.join(text))), ..Node::clone(node) })
        }
        _ => Arc::clone(node),
    }
}

fn shown(path: &Path) -> String {
    let path = normalized(path);
    if path.as_os_str().is_empty() { ".".to_owned() } else { path.display().to_string() }
}

fn scalar(text: String) -> Value {
    Value::Scalar(crate::manifest::tree::Scalar { text, plain: false })
}

/// The same mapping with each value changed.
fn each(node: &Arc<Node>, change: impl Fn(&str, &Arc<Node>) -> Arc<Node>) -> Arc<Node> {
    let Value::Map(map) = &node.value else { return Arc::clone(node) };
    let entries = map.iter().map(|entry| entry.with(change(&entry.key, &entry.value))).collect();
    Arc::new(Node { position: node.position, value: Value::Map(Map::new(entries)), overlay: node.overlay })
}

/// The same list, or single value, with each item changed.
fn items(node: &Arc<Node>, change: impl Fn(&Arc<Node>) -> Arc<Node>) -> Arc<Node> {
    match &node.value {
        Value::List(items) => {
            let items = items.iter().map(change).collect();
            Arc::new(Node { position: node.position, value: Value::List(items), overlay: node.overlay })
        }
        Value::Null => Arc::clone(node),
        Value::Scalar(_) | Value::Map(_) => change(node),
    }
}
