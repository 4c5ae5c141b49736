//! What other tools run: a plan as a Compose file, and how its tests find the stack that it makes. Pure.
//!
//! Must not know engines, nor write anything: files are values here.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod ci;
mod compose;
mod files;
mod gate;
mod service;
mod stack;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

use crate::plan::Artifact;

pub use compose::compose;
pub use stack::{Control, ExportedStack, StackError};

/// First line of an exported file: one that does not begin so was written by somebody else.
pub const MARK: &str = "# Written by `devenv export compose`; change devenv.yaml and export again.\n";

/// Where an export goes, and what is known of its images.
pub struct Destination<'a> {
    /// Directory of the Compose file, absolute: its paths are relative to it.
    pub directory: &'a Path,
    /// Name of the directory beside it that holds secrets and configurations.
    pub files: &'a str,
    /// Image of a packaged program.
    pub packaged: &'a dyn Fn(&Artifact) -> String,
    /// Digests in registries, by reference as it is written.
    pub digests: BTreeMap<String, String>,
    /// Where the service under test answers on this machine.
    pub url: Option<String>,
}

/// A Compose file with all that belongs to it.
#[derive(Debug)]
pub struct Export {
    /// The Compose file.
    pub document: Value,
    /// Files beside it, relative to its directory.
    pub files: Vec<ExportedFile>,
    /// Images that no registry has, with the program that each is made from.
    pub packaged: BTreeMap<String, Artifact>,
    /// What is not the same as under `devenv up`, a sentence each.
    pub notes: Vec<String>,
}

/// One file beside the Compose file. Its content may be a secret: `Debug` never shows it.
pub struct ExportedFile {
    /// Relative to the Compose file.
    pub path: PathBuf,
    /// Content.
    pub content: Vec<u8>,
    /// Permission bits.
    pub mode: u32,
}

impl std::fmt::Debug for ExportedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes, {:o})", self.path.display(), self.content.len(), self.mode)
    }
}

/// Something that Compose cannot run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExportError {
    /// A process of this machine.
    #[error("service `{0}` is a process of this machine (`run:`), which no Compose file can hold")]
    Process(String),
}

impl ExportError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Process(service) => format!(
                "give `{service}` a `docker:` override with `image:` or `build:`, or limit it with `engines: [embedded]`"
            ),
        }
    }
}
