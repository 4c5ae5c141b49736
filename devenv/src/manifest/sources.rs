//! The top-level `secrets:`, `configs:`, `networks:` and `volumes:`.

use super::decode::{Context, Fields, one_of};
use super::keys;
use super::model::{ConfigSource, Network, SecretSource, Volume};
use super::options::{AddressPool, Ipam};
use super::process;
use super::scalars::is_name;
use super::tree::{Entry, Node, Value};

const PERMISSIONS: &[(&str, &str)] = &[
    ("decide", "decide"),
    ("read_directory", "read_directory"),
    ("write_directory", "write_directory"),
    ("receive_events", "receive_events"),
    ("github_token", "github_token"),
    ("control", "control"),
];

pub(super) fn secret(context: &mut Context<'_>, entry: &Entry) -> Option<SecretSource> {
    check_name(context, entry);
    let mut fields = Fields::of(context, &entry.value, "a secret")?.with_unsupported(keys::SECRET);
    let mut found = Vec::new();
    if let Some(node) = fields.take("file") {
        found.push(context.path(node).map(SecretSource::File));
    }
    if let Some(node) = fields.take("environment") {
        found.push(context.word(node).map(SecretSource::Environment));
    }
    if let Some(node) = fields.take("generate") {
        match context.boolean(node) {
            Some(false) => {
                context.error(node.position, "`generate` can only be `true`");
                found.push(None);
            }
            generate => found.push(generate.map(|_| SecretSource::Generate)),
        }
    }
    if let Some(node) = fields.take("client") {
        found.push(context.word(node).map(SecretSource::Client));
    }
    if let Some(node) = fields.take("iam") {
        let permissions = context.one_or_list(node, |context, node| context.choice(node, PERMISSIONS));
        let permissions: Vec<String> = permissions.into_iter().map(str::to_owned).collect();
        found.push((!permissions.is_empty()).then_some(SecretSource::Iam(permissions)));
    }
    fields.finish(context);
    exactly_one(context, entry, found, &["file", "environment", "generate", "client", "iam"])
}

pub(super) fn config(context: &mut Context<'_>, entry: &Entry) -> Option<ConfigSource> {
    check_name(context, entry);
    let mut fields = Fields::of(context, &entry.value, "a config")?.with_unsupported(keys::CONFIG);
    let mut found = Vec::new();
    if let Some(node) = fields.take("file") {
        found.push(context.path(node).map(ConfigSource::File));
    }
    if let Some(node) = fields.take("content") {
        found.push(context.template(node).map(ConfigSource::Content));
    }
    if let Some(node) = fields.take("environment") {
        found.push(context.word(node).and_then(|name| variable(context, node, &name)).map(ConfigSource::Content));
    }
    fields.finish(context);
    exactly_one(context, entry, found, &["file", "content", "environment"])
}

fn variable(context: &mut Context<'_>, node: &Node, name: &str) -> Option<String> {
    let value = context.variables.get(name).cloned();
    if value.is_none() {
        context.error(node.position, format!("the variable `{name}` is not set"));
    }
    value
}

pub(super) fn network(context: &mut Context<'_>, entry: &Entry) -> Option<Network> {
    check_name(context, entry);
    if entry.value.is_null() {
        return Some(Network::default());
    }
    let mut fields = Fields::of(context, &entry.value, "a network")?.with_unsupported(keys::NETWORK);
    let (external, external_name) = external(context, &mut fields);
    let mut truth =
        |key, context: &mut Context<'_>| fields.take(key).and_then(|node| context.boolean(node)).unwrap_or_default();
    let network = Network {
        internal: truth("internal", context),
        attachable: truth("attachable", context),
        ipv6: truth("enable_ipv6", context),
        external,
        name: fields.take("name").and_then(|node| context.word(node)).or(external_name),
        driver: fields.take("driver").and_then(|node| context.word(node)),
        driver_opts: fields.take("driver_opts").map(|node| process::labels(context, node)).unwrap_or_default(),
        ipam: fields.take("ipam").and_then(|node| ipam(context, node)).unwrap_or_default(),
        labels: fields.take("labels").map(|node| process::labels(context, node)).unwrap_or_default(),
    };
    fields.finish(context);
    Some(network)
}

/// `external: true`, or the older `external: { name: NAME }`.
fn external(context: &mut Context<'_>, fields: &mut Fields<'_>) -> (bool, Option<String>) {
    let Some(node) = fields.take("external") else { return (false, None) };
    if let Value::Map(_) = node.value {
        let Some(mut inner) = Fields::of(context, node, "`external`") else { return (true, None) };
        let name = inner.take("name").and_then(|node| context.word(node));
        inner.finish(context);
        return (true, name);
    }
    (context.boolean(node).unwrap_or_default(), None)
}

fn ipam(context: &mut Context<'_>, node: &Node) -> Option<Ipam> {
    let mut fields = Fields::of(context, node, "`ipam`")?;
    let driver = fields.take("driver").and_then(|node| context.word(node));
    let pools = fields.take("config").map(|node| context.list(node, pool)).unwrap_or_default();
    let options = fields.take("options").map(|node| process::labels(context, node)).unwrap_or_default();
    fields.finish(context);
    Some(Ipam { driver, pools, options })
}

fn pool(context: &mut Context<'_>, node: &Node) -> Option<AddressPool> {
    let mut fields = Fields::of(context, node, "an entry of `config`")?;
    let mut word = |key, context: &mut Context<'_>| fields.take(key).and_then(|node| context.word(node));
    let (subnet, ip_range, gateway) = (word("subnet", context), word("ip_range", context), word("gateway", context));
    let aux_addresses = fields.take("aux_addresses").map(|node| process::labels(context, node)).unwrap_or_default();
    fields.finish(context);
    Some(AddressPool { subnet, ip_range, gateway, aux_addresses })
}

pub(super) fn volume(context: &mut Context<'_>, entry: &Entry) -> Option<Volume> {
    check_name(context, entry);
    if entry.value.is_null() {
        return Some(Volume::default());
    }
    let mut fields = Fields::of(context, &entry.value, "a volume")?;
    let (external, external_name) = external(context, &mut fields);
    let volume = Volume {
        external,
        name: fields.take("name").and_then(|node| context.word(node)).or(external_name),
        driver: fields.take("driver").and_then(|node| context.word(node)),
        driver_opts: fields.take("driver_opts").map(|node| process::labels(context, node)).unwrap_or_default(),
        labels: fields.take("labels").map(|node| process::labels(context, node)).unwrap_or_default(),
    };
    fields.finish(context);
    Some(volume)
}

/// `found` holds an item per source that is written, `None` where its value was wrong and is reported already.
fn exactly_one<T>(context: &mut Context<'_>, entry: &Entry, found: Vec<Option<T>>, choices: &[&str]) -> Option<T> {
    if found.len() != 1 {
        let what = if found.is_empty() { "says nothing about where it comes from" } else { "has more than one source" };
        context.error_with_help(
            entry.position,
            format!("`{}` {what}", entry.key),
            format!("write one of {}", one_of(choices)),
        );
    }
    found.into_iter().next().flatten()
}

pub(super) fn check_name(context: &mut Context<'_>, entry: &Entry) {
    if !is_name(&entry.key) {
        let help = "letters, digits, `.`, `_` and `-`, beginning with a letter or digit, at most 63".to_owned();
        context.error_with_help(entry.position, format!("`{}` is not a valid name", entry.key), help);
    }
}
