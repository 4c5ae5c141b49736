//! What a service is given: mounts, secrets, configs, networks, host names.

use std::path::PathBuf;

use super::decode::{Context, Fields};
use super::keys;
use super::model::{FileReference, Mount, MountOptions, MountSource, Service};
use super::scalars::is_name;
use super::tree::{Node, Value};

/// Reads `volumes:`; its entries of `type: tmpfs` become `tmpfs`.
pub(super) fn volumes(context: &mut Context<'_>, node: &Node, service: &mut Service) {
    for item in context.items(node) {
        match &item.value {
            Value::Map(_) => long_volume(context, item, service),
            Value::Null | Value::Scalar(_) | Value::List(_) => {
                service.volumes.extend(short_volume(context, item));
            }
        }
    }
}

/// `[SOURCE:]TARGET[:MODE]`.
fn short_volume(context: &mut Context<'_>, node: &Node) -> Option<Mount> {
    let text = context.word(node)?;
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, mode) = match parts.as_slice() {
        [target] => (None, *target, ""),
        [source, target] => (Some(*source), *target, ""),
        [source, target, mode] => (Some(*source), *target, *mode),
        _ => {
            context.error(node.position, format!("`{text}` is not `SOURCE:TARGET` or `SOURCE:TARGET:ro`"));
            return None;
        }
    };
    let source = match source {
        Some(source) => mount_source(context, node, source)?,
        None => MountSource::Anonymous,
    };
    check_target(context, node, target)?;
    let mut read_only = false;
    let mut options = MountOptions { create_host_path: true, ..MountOptions::default() };
    for option in mode.split(',').filter(|option| !option.is_empty()) {
        match option {
            "ro" => read_only = true,
            // The last three only ever spoke to Docker Desktop on macOS.
            "rw" | "cached" | "delegated" | "consistent" => {}
            "z" | "Z" => options.selinux = Some(option.to_owned()),
            "nocopy" => options.no_copy = true,
            "shared" | "rshared" | "slave" | "rslave" | "private" | "rprivate" => {
                options.propagation = Some(option.to_owned());
            }
            _ => context.error(node.position, format!("unknown mount option `{option}`")),
        }
    }
    Some(Mount { source, target: plain(target), read_only, options })
}

fn mount_source(context: &mut Context<'_>, node: &Node, text: &str) -> Option<MountSource> {
    if let Some(rest) = text.strip_prefix('~') {
        if !(rest.is_empty() || rest.starts_with('/')) {
            context.error(node.position, format!("`{text}` names another user's home directory"));
            return None;
        }
        let Some(home) = context.variables.get("HOME") else {
            context.error(node.position, "`~` needs the variable `HOME`");
            return None;
        };
        return Some(MountSource::Bind(PathBuf::from(format!("{home}{rest}"))));
    }
    if text.starts_with(['.', '/']) {
        return Some(MountSource::Bind(PathBuf::from(text)));
    }
    if text.is_empty() {
        context.error(node.position, "the source of this mount is empty");
        return None;
    }
    if !is_name(text) {
        let help = text.contains('/').then(|| format!("for a directory, write `./{text}`"));
        context.error_with_help(node.position, format!("`{text}` is not a valid name of a volume"), help);
        return None;
    }
    Some(MountSource::Volume(text.to_owned()))
}

/// `/data/` is `/data`.
fn plain(target: &str) -> String {
    let trimmed = target.trim_end_matches('/');
    if trimmed.is_empty() { "/".to_owned() } else { trimmed.to_owned() }
}

fn check_target(context: &mut Context<'_>, node: &Node, target: &str) -> Option<()> {
    if !target.starts_with('/') {
        context.error(node.position, format!("`{target}` is not an absolute path in the container"));
        return None;
    }
    Some(())
}

fn long_volume(context: &mut Context<'_>, node: &Node, service: &mut Service) {
    let Some(fields) = Fields::of(context, node, "a volume") else { return };
    let mut fields = fields.with_unsupported(keys::MOUNT);
    let kinds = [("volume", Kind::Volume), ("bind", Kind::Bind), ("tmpfs", Kind::Tmpfs)];
    let kind = fields.require(context, "type", node.position).and_then(|node| context.choice(node, &kinds));
    let source = fields.take("source").and_then(|node| Some((node, context.word(node)?)));
    let target = fields.require(context, "target", node.position).and_then(|node| {
        let text = context.word(node)?;
        check_target(context, node, &text).map(|()| text)
    });
    let read_only = fields.take("read_only").and_then(|node| context.boolean(node)).unwrap_or_default();
    let tmpfs = fields.take("tmpfs").map(|node| tmpfs_options(context, node)).unwrap_or_default();
    let mut options = MountOptions::default();
    if let Some(node) = fields.take("bind") {
        bind_options(context, node, &mut options);
    }
    if let Some(node) = fields.take("volume")
        && let Some(volume) = Fields::of(context, node, "`volume`")
    {
        let mut volume = volume.with_unsupported(keys::MOUNT_VOLUME);
        options.no_copy = volume.take("nocopy").and_then(|node| context.boolean(node)).unwrap_or_default();
        volume.finish(context);
    }
    // Only ever spoke to Docker Desktop on macOS.
    let _ = fields.take("consistency");
    fields.finish(context);
    let (Some(kind), Some(target)) = (kind, target) else { return };
    let source = match (kind, source) {
        (Kind::Tmpfs, _) => {
            service.tmpfs.push((target, tmpfs));
            return;
        }
        (Kind::Volume, None) => Some(MountSource::Anonymous),
        (Kind::Volume, Some((_, source))) => Some(MountSource::Volume(source)),
        (Kind::Bind, Some((node, source))) => mount_source(context, node, &source).map(|source| match source {
            MountSource::Volume(path) => MountSource::Bind(PathBuf::from(path)),
            other => other,
        }),
        (Kind::Bind, None) => {
            context.error(node.position, "a mount of `type: bind` needs a `source`");
            None
        }
    };
    let target = plain(&target);
    service.volumes.extend(source.map(|source| Mount { source, target, read_only, options }));
}

fn bind_options(context: &mut Context<'_>, node: &Node, options: &mut MountOptions) {
    let Some(mut fields) = Fields::of(context, node, "`bind`") else { return };
    options.propagation = fields.take("propagation").and_then(|node| context.word(node));
    options.selinux = fields.take("selinux").and_then(|node| context.word(node));
    options.create_host_path =
        fields.take("create_host_path").and_then(|node| context.boolean(node)).unwrap_or_default();
    fields.finish(context);
}

#[derive(Clone, Copy)]
enum Kind {
    Volume,
    Bind,
    Tmpfs,
}

fn tmpfs_options(context: &mut Context<'_>, node: &Node) -> String {
    let Some(mut fields) = Fields::of(context, node, "`tmpfs`") else { return String::new() };
    let size = fields.take("size").and_then(|node| context.bytes(node)).map(|size| format!("size={size}"));
    let mode = fields.take("mode").and_then(|node| context.mode(node)).map(|mode| format!("mode={mode:04o}"));
    fields.finish(context);
    size.into_iter().chain(mode).collect::<Vec<_>>().join(",")
}

/// `PATH[:OPTIONS]`.
pub(super) fn tmpfs(context: &mut Context<'_>, node: &Node) -> Option<(String, String)> {
    let text = context.word(node)?;
    let (path, options) = text.split_once(':').unwrap_or((&text, ""));
    check_target(context, node, path)?;
    Some((path.to_owned(), options.to_owned()))
}

/// An entry of a service's `secrets:` or `configs:`.
pub(super) fn file_reference(context: &mut Context<'_>, node: &Node) -> Option<FileReference> {
    if let Value::Scalar(_) = node.value {
        return context.word(node).map(|source| FileReference { source, target: None, mode: None });
    }
    let mut fields = Fields::of(context, node, "an entry")?.with_unsupported(keys::FILE_REFERENCE);
    let source = fields.require(context, "source", node.position).and_then(|node| context.word(node));
    let target = fields.take("target").and_then(|node| context.word(node));
    let mode = fields.take("mode").and_then(|node| context.mode(node));
    fields.finish(context);
    Some(FileReference { source: source?, target, mode })
}

/// `name:address`, `name=address` or a mapping; always `name:address` afterwards.
pub(super) fn extra_hosts(context: &mut Context<'_>, node: &Node) -> Vec<String> {
    if let Value::Map(entries) = &node.value {
        return entries
            .iter()
            .flat_map(|entry| {
                let addresses = context.one_or_list(&entry.value, Context::word);
                addresses.into_iter().map(|address| format!("{}:{address}", entry.key)).collect::<Vec<_>>()
            })
            .collect();
    }
    context.list(node, |context, node| {
        let text = context.word(node)?;
        match text.split_once('=').or_else(|| text.split_once(':')) {
            Some((name, address)) if !name.is_empty() && !address.is_empty() => Some(format!("{name}:{address}")),
            _ => {
                context.error(node.position, format!("`{text}` is not `name:address`"));
                None
            }
        }
    })
}
