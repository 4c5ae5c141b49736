//! Files that services find in their place, as files beside the Compose file.
//!
//! Compose mounts such a file as it is, with its owner and mode, so a file of mode 0400 could only be read by containers that
//! run as whoever exported it. The directory is closed to everybody else instead, and the files are readable within
//! (`docs/decisions/0074-exported-secrets-in-a-closed-directory.md`).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::stack::Control;
use super::{ExportedFile, MARK};
use crate::plan::{DeliveredFile, PlannedService};

/// All files of an export as they are collected.
pub(super) struct Files<'a> {
    directory: &'a str,
    secrets: Map<String, Value>,
    configs: Map<String, Value>,
    files: Vec<ExportedFile>,
}

impl<'a> Files<'a> {
    pub(super) fn new(directory: &'a str) -> Self {
        let ignored = ExportedFile {
            path: PathBuf::from(directory).join(".gitignore"),
            content: format!("{MARK}# Secrets of a stack: never commit this directory.\n*\n").into_bytes(),
            mode: 0o644,
        };
        Self { directory, secrets: Map::new(), configs: Map::new(), files: vec![ignored] }
    }

    /// The files of a service: references for its `secrets` and `configs`.
    pub(super) fn of(&mut self, service: &PlannedService) -> (Value, Value) {
        let (mut secrets, mut configs) = (Vec::new(), Vec::new());
        for (place, file) in service.files.iter().enumerate() {
            let base = file.path.rsplit('/').next().unwrap_or_default();
            // Two files of one service may have the same name in different directories.
            let base = if taken(service, place, base) { format!("{place}-{base}") } else { base.to_owned() };
            let key: String = format!("{}.{base}", service.name).chars().map(plain).collect();
            let path = self.add(&format!("{}/{base}", service.name), file.content.clone(), readable(file.mode));
            let reference = json!({ "source": key, "target": file.path });
            if is_secret(file) {
                self.secrets.insert(key, json!({ "file": path }));
                secrets.push(reference);
            } else {
                self.configs.insert(key, json!({ "file": path }));
                configs.push(reference);
            }
        }
        (json!(secrets), json!(configs))
    }

    /// Tokens of the control endpoints, for the tests; only who exported reads them.
    pub(super) fn control(&mut self, tokens: &Control<Vec<u8>>) -> Control<String> {
        let mut one = |name: &str, token: &Option<Vec<u8>>| {
            token.as_ref().map(|token| self.add(&format!("control/{name}"), token.clone(), 0o400))
        };
        Control { idp: one("idp", &tokens.idp), iam: one("iam", &tokens.iam) }
    }

    fn add(&mut self, name: &str, content: Vec<u8>, mode: u32) -> String {
        let path = PathBuf::from(self.directory).join(name);
        let shown = format!("./{}", path.display());
        self.files.push(ExportedFile { path, content, mode });
        shown
    }

    /// Sections of the document, and the files.
    pub(super) fn finish(self) -> (Value, Value, Vec<ExportedFile>) {
        (Value::Object(self.secrets), Value::Object(self.configs), self.files)
    }
}

fn taken(service: &PlannedService, place: usize, base: &str) -> bool {
    let before = service.files.iter().take(place);
    before.filter_map(|file| file.path.rsplit('/').next()).any(|other| other == base)
}

fn is_secret(file: &DeliveredFile) -> bool {
    file.mode & 0o077 == 0
}

/// What its owner may do, anybody may who reaches it, except to write.
fn readable(mode: u32) -> u32 {
    let owner = mode >> 6 & 0o5;
    owner << 6 | owner << 3 | owner
}

/// Characters that Compose takes in keys.
fn plain(c: char) -> char {
    if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' }
}
