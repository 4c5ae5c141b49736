//! What a service runs: `build`, `binary`, `command`, `environment` and `labels`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::attachments::extra_hosts;
use super::compose;
use super::decode::{Context, Fields};
use super::interpolate::RESERVED;
use super::keys;
use super::model::{Binary, Build, Command, WatchAction, WatchRule};
use super::tree::{Node, Position, Value};

pub(super) fn build(context: &mut Context<'_>, node: &Node) -> Option<Build> {
    if let Value::Scalar(_) = node.value {
        return context.path(node).map(|path| Build { context: path, ..Build::default() });
    }
    let mut fields = Fields::of(context, node, "`build`")?.with_unsupported(keys::BUILD);
    let mut word = |key, context: &mut Context<'_>| fields.take(key).and_then(|node| context.word(node));
    let (dockerfile, target, network) =
        (word("dockerfile", context), word("target", context), word("network", context));
    let mut words = |key, context: &mut Context<'_>| -> Vec<String> {
        fields.take(key).map(|node| context.one_or_list(node, Context::word)).unwrap_or_default()
    };
    let (tags, cache_from) = (words("tags", context), words("cache_from", context));
    let mut truth =
        |key, context: &mut Context<'_>| fields.take(key).and_then(|node| context.boolean(node)).unwrap_or_default();
    let (no_cache, pull) = (truth("no_cache", context), truth("pull", context));
    let build = Build {
        context: fields.take("context").and_then(|node| context.path(node)).unwrap_or_else(|| PathBuf::from(".")),
        dockerfile,
        dockerfile_inline: fields.take("dockerfile_inline").and_then(|node| context.text(node)),
        args: fields.take("args").map(|node| pairs(context, node, &HOST_TEXT)).unwrap_or_default(),
        target,
        labels: fields.take("labels").map(|node| labels(context, node)).unwrap_or_default(),
        network,
        extra_hosts: fields.take("extra_hosts").map(|node| extra_hosts(context, node)).unwrap_or_default(),
        shm_size: fields.take("shm_size").and_then(|node| context.bytes(node)),
        tags,
        cache_from,
        no_cache,
        pull,
    };
    fields.finish(context);
    if build.dockerfile.is_some() && build.dockerfile_inline.is_some() {
        context.error(node.position, "`dockerfile` and `dockerfile_inline` exclude each other");
    }
    Some(build)
}

/// The values of the files of `env_file:`, later files winning.
pub(super) fn env_files(context: &mut Context<'_>, node: &Node) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let items: Vec<&Node> = match &node.value {
        Value::List(items) => items.iter().map(|item| &**item).collect(),
        Value::Null | Value::Scalar(_) | Value::Map(_) => vec![node],
    };
    for item in items {
        let Some((path, required, raw)) = env_file(context, item) else { continue };
        let known: BTreeMap<String, String> = values.clone().into_iter().chain(context.variables.clone()).collect();
        let found = compose::env_file(context, &path, item.position, (required, raw, &known));
        values.extend(found.unwrap_or_default());
    }
    values
}

/// Path, whether it must be there, and whether its values are taken letter by letter.
fn env_file(context: &mut Context<'_>, node: &Node) -> Option<(PathBuf, bool, bool)> {
    const FORMATS: &[(&str, bool)] = &[("raw", true)];
    if let Value::Scalar(_) = node.value {
        return context.path(node).map(|path| (path, true, false));
    }
    let mut fields = Fields::of(context, node, "an entry of `env_file`")?;
    let path = fields.require(context, "path", node.position).and_then(|node| context.path(node));
    let required = fields.take("required").and_then(|node| context.boolean(node)).unwrap_or(true);
    let raw = fields.take("format").and_then(|node| context.choice(node, FORMATS)).unwrap_or_default();
    fields.finish(context);
    Some((path?, required, raw))
}

/// `develop:`; only its `watch` means something.
pub(super) fn develop(context: &mut Context<'_>, node: &Node) -> Vec<WatchRule> {
    let Some(mut fields) = Fields::of(context, node, "`develop`") else { return Vec::new() };
    let rules = fields.take("watch").map(|node| context.list(node, watch_rule)).unwrap_or_default();
    fields.finish(context);
    rules
}

fn watch_rule(context: &mut Context<'_>, node: &Node) -> Option<WatchRule> {
    const ACTIONS: &[(&str, WatchAction)] = &[
        ("rebuild", WatchAction::Rebuild),
        ("sync", WatchAction::Sync),
        ("sync+restart", WatchAction::SyncAndRestart),
        ("restart", WatchAction::Restart),
    ];
    let mut fields = Fields::of(context, node, "an entry of `watch`")?.with_unsupported(keys::WATCH);
    let path = fields.require(context, "path", node.position).and_then(|node| context.path(node));
    let action = fields.require(context, "action", node.position).and_then(|node| context.choice(node, ACTIONS));
    let target = fields.take("target").and_then(|node| context.word(node));
    let ignore = fields.take("ignore").map(|node| context.list(node, Context::word)).unwrap_or_default();
    fields.finish(context);
    let rule = WatchRule { path: path?, action: action?, target, ignore };
    if rule.target.is_none() && matches!(rule.action, WatchAction::Sync | WatchAction::SyncAndRestart) {
        context.error(node.position, "an action that copies files needs a `target`");
    }
    Some(rule)
}

pub(super) fn binary(context: &mut Context<'_>, node: &Node) -> Option<Binary> {
    let mut fields = Fields::of(context, node, "`binary`")?;
    let cargo = fields.take("cargo");
    let path = fields.take("path");
    let profile = fields.take("profile").map(|node| (node.position, context.word(node)));
    let build = fields.take("build").map(|node| (node.position, command(context, node)));
    fields.finish(context);
    match (cargo, path) {
        (Some(bin), None) => {
            if let Some((position, _)) = build {
                context.error(position, "`build` belongs to `path`; with `cargo`, cargo builds");
            }
            let profile = profile.map_or(Some("release".to_owned()), |(_, profile)| profile);
            Some(Binary::Cargo { bin: context.word(bin)?, profile: profile? })
        }
        (None, Some(path)) => {
            if let Some((position, _)) = profile {
                context.error(position, "`profile` belongs to `cargo`");
            }
            Some(Binary::Path { path: context.path(path)?, build: build.and_then(|(_, build)| build) })
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
            context.wrong_kind(node, "expected a command or a list of words, found ");
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
            context.wrong_kind(node, "expected a mapping or a list of `NAME=value`, found ");
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
