//! Several files to one tree of nodes: files laid over each other, `extends` and `include` (Compose Specification).
//!
//! Must not know what services are good for, nor the machine: file texts come from a [`Files`] that the caller gives.
//! Every path that a file writes is relative to the project's directory afterwards, wherever the file lies.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod dotenv;
mod env_file;
mod extends;
mod include;
mod merge;
mod rebase;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::decode::Context;
use super::problem::SourceFile;
use super::tree::{Entry, FileId, Map, Node, Overlay, Position, Value};
use super::yaml;

pub use dotenv::{DotEnvError, dot_env};
pub(super) use env_file::env_file;

/// Files that belong to one stack at most; more is a loop or no configuration.
const MOST_FILES: usize = 256;

/// The files that a manifest may name, by their path relative to the project's directory (or absolute).
pub trait Files: std::fmt::Debug {
    /// The text of a file; `None` when there is none of that name.
    ///
    /// # Errors
    /// Why it cannot be read, as a sentence.
    fn read(&self, path: &Path) -> Result<Option<String>, String>;

    /// How people know the file.
    fn shown(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }
}

/// No files at all: for manifests that stand alone.
#[derive(Clone, Copy, Debug)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _path: &Path) -> Result<Option<String>, String> {
        Ok(None)
    }
}

impl Files for BTreeMap<PathBuf, String> {
    fn read(&self, path: &Path) -> Result<Option<String>, String> {
        Ok(self.get(path).cloned())
    }
}

/// What one model (the manifest, or one entry of `include`) is read with.
struct Scope {
    /// Its project directory, relative to that of the manifest.
    base: PathBuf,
    variables: BTreeMap<String, String>,
    /// The files that include this one, outermost first.
    chain: Vec<PathBuf>,
}

/// Reads `include` for its schema; what it brings is not looked at.
pub(super) fn read_include(context: &mut Context<'_>, node: &Node) {
    let _ = context.list(node, |context, node| include::entry(context, node));
}

/// The same for `extends`.
pub(super) fn read_extends(context: &mut Context<'_>, node: &Node) {
    let _ = extends::base_of(context, node);
}

/// The manifest, its overrides and all that they pull in, as one tree.
pub(super) fn compose(context: &mut Context<'_>, overrides: &[SourceFile]) -> Option<Arc<Node>> {
    let scope = Scope { base: PathBuf::new(), variables: context.variables.clone(), chain: Vec::new() };
    let mut root = file(context, FileId::default(), &scope)?;
    for source in overrides {
        let id = context.report.add_file(source);
        let over = file(context, id, &scope)?;
        root = merge::lay_over(&mut context.report, &root, &over);
    }
    let root = include::apply(context, root, &scope);
    Some(without_resets(&root))
}

/// One file of a model: parsed, its paths relative to the project, its services complete.
fn file(context: &mut Context<'_>, id: FileId, scope: &Scope) -> Option<Arc<Node>> {
    let root = parsed(context, id, scope)?;
    Some(extends::apply(context, &root, scope))
}

fn parsed(context: &mut Context<'_>, id: FileId, scope: &Scope) -> Option<Arc<Node>> {
    let root = yaml::parse(&mut context.report, id, Some(&scope.variables))?;
    Some(rebase::root(&root, &scope.base))
}

/// Reads a file that another one names at `place`.
fn read(context: &mut Context<'_>, path: &Path, place: Position) -> Option<FileId> {
    if context.report.files() >= MOST_FILES {
        context.error(place, format!("more than {MOST_FILES} files belong to this stack"));
        return None;
    }
    match context.files.read(path) {
        Ok(Some(text)) => {
            let source = SourceFile { path: context.files.shown(path), text };
            Some(context.report.add_file(&source))
        }
        Ok(None) => {
            context.error(place, format!("there is no file {}", path.display()));
            None
        }
        Err(cause) => {
            context.error(place, format!("cannot read {}: {cause}", path.display()));
            None
        }
    }
}

/// `a/./b/../c` is `a/c`; leading `..` stay.
pub(crate) fn normalized(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// What `!reset` took away is gone for good.
fn without_resets(node: &Arc<Node>) -> Arc<Node> {
    if !has_resets(node) {
        return Arc::clone(node);
    }
    let value = match &node.value {
        Value::Map(map) => {
            let kept = map.iter().filter(|entry| entry.value.overlay != Overlay::Reset);
            Value::Map(Map::new(kept.map(|entry| entry.with(without_resets(&entry.value))).collect()))
        }
        Value::List(items) => {
            let kept = items.iter().filter(|item| item.overlay != Overlay::Reset);
            Value::List(kept.map(without_resets).collect())
        }
        other @ (Value::Null | Value::Scalar(_)) => other.clone(),
    };
    Arc::new(Node::new(node.position, value))
}

fn has_resets(node: &Node) -> bool {
    node.overlay == Overlay::Reset
        || match &node.value {
            Value::Map(map) => map.iter().any(|entry| has_resets(&entry.value)),
            Value::List(items) => items.iter().any(|item| has_resets(item)),
            Value::Null | Value::Scalar(_) => false,
        }
}

/// The same mapping with one value changed, added or (for `None`) taken away.
fn with_entry(node: &Arc<Node>, key: &str, value: Option<Entry>) -> Arc<Node> {
    let mut entries: Vec<Entry> = node.entries().to_vec();
    match (entries.iter().position(|entry| entry.key == key), value) {
        (Some(at), Some(value)) => {
            if let Some(entry) = entries.get_mut(at) {
                *entry = value;
            }
        }
        (Some(at), None) => drop(entries.remove(at)),
        (None, Some(value)) => entries.push(value),
        (None, None) => {}
    }
    Arc::new(Node { position: node.position, value: Value::Map(Map::new(entries)), overlay: node.overlay })
}
