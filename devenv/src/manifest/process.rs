//! What a service runs: `build`, `binary`, `command`, `environment` and `labels`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::decode::{Context, Fields};
use super::interpolate::RESERVED;
use super::keys;
use super::model::{Binary, Build, Command};
use super::tree::{Node, Position, Value};

pub(super) fn build(context: &mut Context<'_>, node: &Node) -> Option<Build> {
    if let Value::Scalar(_) = node.value {
        return context.path(node).map(|path| Build { context: path, ..Build::default() });
    }
    let mut fields = Fields::of(context, node, "`build`")?.with_unsupported(keys::BUILD);
    let build = Build {
        context: fields.take("context").and_then(|node| context.path(node)).unwrap_or_else(|| PathBuf::from(".")),
        dockerfile: fields.take("dockerfile").and_then(|node| context.word(node)),
        args: fields.take("args").map(|node| pairs(context, node, &HOST_TEXT)).unwrap_or_default(),
        target: fields.take("target").and_then(|node| context.word(node)),
    };
    fields.finish(context);
    Some(build)
}

pub(super) fn binary(context: &mut Context<'_>, node: &Node) -> Option<Binary> {
    let mut fields = Fields::of(context, node, "`binary`")?;
    let cargo = fields.take("cargo");
    let path = fields.take("path");
    let profile = fields.take("profile");
    let build = fields.take("build");
    fields.finish(context);
    match (cargo, path) {
        (Some(bin), None) => {
            if let Some(build) = build {
                context.error(build.position, "`build` belongs to `path`; with `cargo`, cargo builds");
            }
            let profile = profile.map_or(Some("release".to_owned()), |node| context.word(node));
            Some(Binary::Cargo { bin: context.word(bin)?, profile: profile? })
        }
        (None, Some(path)) => {
            if let Some(profile) = profile {
                context.error(profile.position, "`profile` belongs to `cargo`");
            }
            let build = build.and_then(|node| command(context, node));
            Some(Binary::Path { path: context.path(path)?, build })
        }
        (Some(_), Some(path)) => {
            context.error(path.position, "`cargo` and `path` exclude each other");
            None
        }
        (None, None) => {
            let help = "write `{ cargo: NAME }` or `{ path: FILE, build: COMMAND }`".to_owned();
            context.error_with_help(node.position, "`binary` needs `cargo` or `path`", help);
            None
        }
    }
}

/// `command`, `entrypoint`, `run` and the `build` of a binary: a line or a list of words.
pub(super) fn command(context: &mut Context<'_>, node: &Node) -> Option<Command> {
    match &node.value {
        Value::Scalar(_) => {
            let line = context.template(node)?;
            if shlex::split(&line).is_none() {
                context.error(node.position, "a quote in this command is not closed");
                return None;
            }
            Some(Command::Line(line))
        }
        Value::List(items) => Some(Command::Words(items.iter().filter_map(|item| context.template(item)).collect())),
        Value::Null | Value::Map(_) => {
            context.error(node.position, format!("expected a command or a list of words, found {}", node.kind()));
            None
        }
    }
}

pub(super) fn environment(context: &mut Context<'_>, node: &Node) -> BTreeMap<String, String> {
    pairs(context, node, &HOST_TEMPLATE)
}

pub(super) fn labels(context: &mut Context<'_>, node: &Node) -> BTreeMap<String, String> {
    pairs(context, node, &LABEL)
}

/// How the values of `NAME=value` pairs are read.
struct Pairs {
    read: fn(&mut Context<'_>, &Node) -> Option<String>,
    without_value: WithoutValue,
}

/// What a name without a value means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WithoutValue {
    /// The variable of the host, or ours when it begins with `DEVENV_`.
    HostOrOurs,
    /// The variable of the host.
    Host,
    /// Empty text.
    Empty,
}

const HOST_TEMPLATE: Pairs =
    Pairs { read: |context, node| context.template(node), without_value: WithoutValue::HostOrOurs };
const HOST_TEXT: Pairs = Pairs { read: |context, node| context.text(node), without_value: WithoutValue::Host };
const LABEL: Pairs = Pairs { read: |context, node| context.text(node), without_value: WithoutValue::Empty };

fn pairs(context: &mut Context<'_>, node: &Node, how: &Pairs) -> BTreeMap<String, String> {
    let mut result = BTreeMap::new();
    match &node.value {
        Value::Map(entries) => {
            for entry in entries.iter() {
                if !valid_name(context, &entry.key, entry.position) {
                    continue;
                }
                let value = match &entry.value.value {
                    Value::Null => without_value(context, (&entry.key, entry.position), how),
                    Value::Scalar(_) | Value::List(_) | Value::Map(_) => (how.read)(context, &entry.value),
                };
                result.extend(value.map(|value| (entry.key.clone(), value)));
            }
        }
        Value::List(items) => {
            for item in items {
                let Some(text) = (how.read)(context, item) else { continue };
                let (name, value) = match text.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (text.as_str(), without_value(context, (&text, item.position), how)),
                };
                if valid_name(context, name, item.position) {
                    add(context, &mut result, (name, value), item.position);
                }
            }
        }
        Value::Null | Value::Scalar(_) => {
            context
                .error(node.position, format!("expected a mapping or a list of `NAME=value`, found {}", node.kind()));
        }
    }
    result
}

fn add(
    context: &mut Context<'_>,
    result: &mut BTreeMap<String, String>,
    (name, value): (&str, Option<String>),
    position: Position,
) {
    let Some(value) = value else { return };
    if result.insert(name.to_owned(), value).is_some() {
        context.report.warning(position, format!("`{name}` is there twice; the last one counts"));
    }
}

fn without_value(context: &mut Context<'_>, (name, position): (&str, Position), how: &Pairs) -> Option<String> {
    match how.without_value {
        WithoutValue::HostOrOurs if name.starts_with(RESERVED) => {
            context.refer(position, name);
            Some(format!("${{{name}}}"))
        }
        WithoutValue::HostOrOurs | WithoutValue::Host => {
            context.variables.get(name).filter(|_| !name.starts_with(RESERVED)).cloned()
        }
        WithoutValue::Empty => Some(String::new()),
    }
}

fn valid_name(context: &mut Context<'_>, name: &str, position: Position) -> bool {
    let valid = !name.is_empty() && !name.contains(|c: char| c == '=' || c == '\0' || c.is_whitespace());
    if !valid {
        context.error(position, format!("`{name}` is not a valid name"));
    }
    valid
}
