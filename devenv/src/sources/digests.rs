//! Digests of files, remembered by size, time and inode: hashing everything on each `up` would be felt.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::plan::{Project, hex};

/// A digest that was computed before, valid as long as the file looks the same.
#[derive(Serialize, Deserialize, PartialEq, Clone)]
struct Known {
    size: u64,
    modified: (i64, i64),
    inode: u64,
    digest: String,
}

/// What is remembered of one project, or of nobody.
#[derive(Default)]
pub struct Digests {
    file: Option<PathBuf>,
    known: BTreeMap<PathBuf, Known>,
    changed: bool,
}

impl Digests {
    /// Reads what a project remembers; nonsense counts as nothing.
    #[must_use]
    pub fn open(project: Option<&Project>) -> Self {
        let file = project.map(|project| project.state.join("digests.json"));
        let known = file.as_ref().and_then(|file| std::fs::read(file).ok());
        let known = known.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { file, known, changed: false }
    }

    /// SHA-256 of a file in hexadecimal. Never more than a piece of it is held.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn of(&mut self, path: &Path) -> io::Result<String> {
        let metadata = std::fs::metadata(path)?;
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        if let Some(entry) = self.known.get(path)
            && (entry.size, entry.modified, entry.inode) == (metadata.len(), modified, metadata.ino())
        {
            return Ok(entry.digest.clone());
        }
        let digest = hash(path)?;
        let known = Known { size: metadata.len(), modified, inode: metadata.ino(), digest: digest.clone() };
        self.known.insert(path.into(), known);
        self.changed = true;
        Ok(digest)
    }

    /// Writes down what was learned. Only a memory: without it files are hashed again.
    pub fn save(&self) {
        if let (true, Some(file), Ok(bytes)) = (self.changed, &self.file, serde_json::to_vec(&self.known)) {
            drop(std::fs::write(file, bytes));
        }
    }
}

fn hash(path: &Path) -> io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let mut context = Context::new(&SHA256);
    let mut piece = vec![0; 64 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hex(context.finish().as_ref())),
            length => context.update(piece.get(..length).unwrap_or_default()),
        }
    }
}
