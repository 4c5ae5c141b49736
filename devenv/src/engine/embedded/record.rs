//! What is written down about a service, and where: the only link between one `devenv` and the next.
//!
//! Must not know processes, nor what follows from a record.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::supervision::Policy;
use crate::plan::{DeliveredFile, Fingerprint, PublishedPort};

/// What a supervisor has to know. Never holds a secret: those are delivered as files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// `Project::id` of the stack.
    pub(crate) project: String,
    /// Name of the service.
    pub(crate) service: String,
    /// Program and arguments.
    pub(crate) words: Vec<String>,
    /// Variables set over those that the supervisor itself was given.
    pub(crate) environment: BTreeMap<String, String>,
    /// Working directory, absolute.
    pub(crate) directory: PathBuf,
    /// When it is started again.
    pub(crate) restart: Policy,
    /// Number of the signal that asks it to end.
    pub(crate) stop_signal: i32,
    /// How long it may take to end.
    pub(crate) grace: Duration,
    /// Ports that it was told to listen on.
    pub(crate) ports: Vec<PublishedPort>,
    /// Files made for it, absolute.
    pub(crate) files: Vec<PathBuf>,
    /// What it was made from.
    pub(crate) fingerprint: Fingerprint,
}

/// A process that cannot be mistaken for a later one of the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// Process id.
    pub(crate) pid: i32,
    /// Start time in clock ticks since boot (proc(5), `stat` field 22).
    pub(crate) started: u64,
}

/// What a supervisor says of itself and its child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    /// The supervisor.
    pub(crate) supervisor: Identity,
    /// The process that runs now; it leads a process group of its own.
    pub(crate) child: Option<Identity>,
    /// Where it is in its life.
    pub(crate) state: Stage,
    /// Exit code of the last end.
    pub(crate) code: Option<i64>,
    /// How often it was started again.
    pub(crate) restarts: u32,
    /// Seconds since the epoch of the last start; 0: never.
    pub(crate) started_at: i64,
    /// Why the process could not be made.
    pub(crate) failure: Option<String>,
    /// It ignored its stop signal and was killed.
    pub(crate) overstayed: bool,
}

/// Where a service is in its life, as its supervisor last said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// The process is being made.
    Starting,
    /// It runs.
    Running,
    /// It ended and will be started again.
    BackingOff,
    /// It was asked to end.
    Stopping,
    /// It is over.
    Ended,
}

/// The directory of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    directory: PathBuf,
}

impl Record {
    /// The record of a service below the state directory of its project.
    pub(crate) fn of(state: &Path, service: &str) -> Self {
        Self { directory: all(state).join(service) }
    }

    /// A record by its own directory.
    pub(crate) fn at(directory: &Path) -> Self {
        Self { directory: directory.to_path_buf() }
    }

    /// Its directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the output goes.
    pub(crate) fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// Where a supervisor complains that could not even begin.
    pub(crate) fn complaints(&self) -> PathBuf {
        self.directory.join("supervisor.err")
    }

    /// What its supervisor holds as long as it lives.
    pub(crate) fn lock(&self) -> PathBuf {
        self.directory.join("lock")
    }

    /// Whether there is anything at all.
    pub(crate) fn exists(&self) -> bool {
        self.directory.is_dir()
    }

    /// The specification; `None`: there is none, or its making was interrupted.
    pub(crate) fn spec(&self) -> io::Result<Option<Spec>> {
        read(&self.directory.join("spec.json"))
    }

    /// What the supervisor last said; `None`: it never ran.
    pub(crate) fn status(&self) -> io::Result<Option<Status>> {
        read(&self.directory.join("status.json"))
    }

    /// Replaces the status at once: a reader sees the old one or the new one.
    pub(crate) fn set_status(&self, status: &Status) -> io::Result<()> {
        replace(&self.directory.join("status.json"), status)
    }

    /// Forgets the status of an earlier run.
    pub(crate) fn clear_status(&self) -> io::Result<()> {
        absent_is_fine(fs::remove_file(self.directory.join("status.json")))
    }

    /// Writes files and specification. The specification comes last: without it the record counts as half made, and
    /// `draft.json` then still says which files there are to remove.
    pub(crate) fn create(&self, spec: &Spec, files: &[DeliveredFile]) -> io::Result<()> {
        private_directory(&self.directory)?;
        let draft = self.directory.join("draft.json");
        replace(&draft, spec)?;
        for file in files {
            deliver(file)?;
        }
        fs::rename(&draft, self.directory.join("spec.json"))
    }

    /// Removes the directory and the files that were made elsewhere.
    pub(crate) fn remove(&self) -> io::Result<()> {
        let written: Option<Spec> = read(&self.directory.join("spec.json")).ok().flatten();
        let drafted: Option<Spec> = read(&self.directory.join("draft.json")).ok().flatten();
        for file in [written, drafted].into_iter().flatten().flat_map(|spec| spec.files) {
            absent_is_fine(fs::remove_file(file))?;
        }
        absent_is_fine(fs::remove_dir_all(&self.directory))
    }
}

/// Names of all services with a record, sorted.
pub(crate) fn names(state: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(all(state)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    names.sort();
    Ok(names)
}

fn all(state: &Path) -> PathBuf {
    state.join("services")
}

/// A missing or torn file says nothing; only what cannot be read at all is an error.
fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

fn replace<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let text = serde_json::to_vec(value)?;
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(&text)?;
    fs::rename(beside, path)
}

/// Never writes through what is already there: a link put in the way must not redirect a secret.
fn deliver(file: &DeliveredFile) -> io::Result<()> {
    let path = Path::new(&file.path);
    if let Some(parent) = path.parent() {
        private_directory(parent)?;
    }
    absent_is_fine(fs::remove_file(path))?;
    let mut made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    made.write_all(&file.content)?;
    made.set_permissions(Permissions::from_mode(file.mode & 0o777))
}

fn private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
