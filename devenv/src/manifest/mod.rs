//! Text to [`Manifest`]: all problems at once, each with file, line and column. Pure.
//!
//! Must not know engines, plans, or the machine: variables and file texts are arguments.
//!
//! [`load`] reads as the data flow: YAML events → tree of nodes with places → typed sections → checks across sections.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod attachments;
pub mod authz;
mod canonical;
mod compose;
mod container;
mod decode;
mod identity;
mod interpolate;
mod keys;
mod model;
mod options;
mod ports;
mod problem;
mod process;
mod protocols;
mod readiness;
mod references;
mod render;
mod report;
mod scalars;
pub mod schema;
mod servers;
mod service;
mod sources;
mod stack;
mod suggest;
#[cfg(test)]
mod tests;
mod tree;
mod validate;
mod yaml;

use std::collections::BTreeMap;

pub use canonical::Naming;
pub(crate) use canonical::elements::{self, Object};
pub(crate) use compose::normalized;
pub use compose::{DotEnvError, Files, NoFiles, dot_env};
pub use model::*;
pub use options::{AddressPool, Attachment, ContainerOptions, Device, DeviceRequest, Ipam, Logging, Ulimit};
pub use problem::{Loaded, Problem, Problems, Severity, SourceFile};
pub use render::{render, to_json};

/// What a manifest is read from.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// The manifest.
    pub file: &'a SourceFile,
    /// Files laid over it, in this order.
    pub overrides: &'a [SourceFile],
    /// The files that it may name.
    pub files: &'a dyn Files,
    /// What `$NAME` means: the environment and `.env`, chosen by the caller.
    pub variables: &'a BTreeMap<String, String>,
}

/// Reads `devenv.yaml` or `compose.yaml` with all that belongs to it.
///
/// # Errors
/// All problems of the files, warnings included, when one of them is an error.
pub fn load(sources: &Sources<'_>) -> Result<Loaded<Manifest>, Problems> {
    let loaded = read(sources)?;
    Ok(Loaded { value: loaded.value.manifest, warnings: loaded.warnings })
}

/// A manifest with the tree that it was read from.
#[derive(Clone, Debug)]
pub struct Composed {
    /// The manifest.
    pub manifest: Manifest,
    tree: std::sync::Arc<tree::Node>,
    files: Vec<std::path::PathBuf>,
}

/// A place in one of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: std::path::PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

impl Composed {
    /// Where a path of keys was written, as far as it was; in a list, the item that begins so.
    #[must_use]
    pub fn place(&self, path: &[&str]) -> Place {
        let position = self.tree.locate(path);
        let file = self.files.get(usize::from(position.file.0)).cloned().unwrap_or_default();
        Place { file, line: position.line, column: position.column }
    }

    /// Every file that it was read from, relative to the project's directory or as it was named.
    #[must_use]
    pub fn files(&self) -> &[std::path::PathBuf] {
        &self.files
    }

    /// Where the first key of a mapping is that is written there itself, and not merged from elsewhere.
    #[must_use]
    pub fn first_key(&self, path: &[&str]) -> Option<Place> {
        let own = self.tree.locate(path);
        let node = path.iter().try_fold(&*self.tree, |node, step| node.get(step))?;
        let after = node.entries().iter().map(|entry| entry.position).filter(|key| key.file == own.file && *key > own);
        let first = after.min()?;
        let file = self.files.get(usize::from(first.file.0)).cloned().unwrap_or_default();
        Some(Place { file, line: first.line, column: first.column })
    }

    /// All texts below a path of keys, each with the way to it: keys, and `#0` for the first item of a list.
    #[must_use]
    pub fn texts(&self, path: &[&str]) -> Vec<(Vec<String>, String)> {
        let node = path.iter().try_fold(&*self.tree, |node, step| node.get(step));
        let mut found = Vec::new();
        if let Some(node) = node {
            node.texts(&mut Vec::new(), &mut found);
        }
        found
    }

    /// The manifest written out in long forms, as `docker compose config` does, with the services of active profiles.
    #[must_use]
    pub fn canonical(&self, naming: Naming<'_>) -> serde_json::Value {
        canonical::canonical(&self.manifest, &self.tree.to_json(), naming)
    }
}

/// The same with the tree, for those who show it.
///
/// # Errors
/// All problems of the files, warnings included, when one of them is an error.
pub fn read(sources: &Sources<'_>) -> Result<Loaded<Composed>, Problems> {
    let mut context = decode::Context::new(sources.file, sources.variables);
    context.files = sources.files;
    let composed = compose::compose(&mut context, sources.overrides).and_then(|root| {
        let manifest = stack::read(&mut context, &root)?;
        validate::check(&mut context, &manifest, &root);
        references::check(&mut context, &manifest);
        Some(Composed { manifest, tree: root, files: context.report.paths() })
    });
    context.report.conclude(composed)
}
