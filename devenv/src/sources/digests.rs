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
        Self::remembered(project.map(|project| project.state.join("digests.json")))
    }

    /// What this machine's user remembers whatever the project, in the cache directory of the XDG specification.
    #[must_use]
    pub fn of_user(environment: &BTreeMap<String, String>) -> Self {
        let absolute = |name: &str| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let cache = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
        Self::remembered(cache.map(|cache| cache.join("devenv/digests.json")))
    }

    fn remembered(file: Option<PathBuf>) -> Self {
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

    /// Writes down what was learned, at once or not at all. Only a memory: without it files are hashed again.
    pub fn save(&self) {
        let (true, Some(file)) = (self.changed, &self.file) else { return };
        if let Err(error) = self.write(file) {
            tracing::debug!(%error, file = %file.display(), "digests are not remembered");
        }
    }

    fn write(&self, file: &Path) -> io::Result<()> {
        let known: BTreeMap<_, _> = self.known.iter().filter(|(path, _)| path.exists()).collect();
        std::fs::create_dir_all(file.parent().unwrap_or(file))?;
        let beside = file.with_extension(format!("json.{}", std::process::id()));
        let written =
            std::fs::write(&beside, serde_json::to_vec(&known)?).and_then(|()| std::fs::rename(&beside, file));
        if written.is_err() {
            drop(std::fs::remove_file(&beside));
        }
        written
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
