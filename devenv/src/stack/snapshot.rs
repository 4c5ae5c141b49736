//! Snapshots of a stack: where they are, what is in them, and the directories of processes packed into them. Must not know
//! engines, nor servers.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::plan::Project;

/// A volume or a directory of data that is larger is no fixture of a test.
pub const MOST_BYTES: u64 = 1 << 30;

const VERSION: u32 = 1;
const CONTENTS: &str = "snapshot.json";

/// A snapshot cannot be taken or used.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// A file operation failed.
    #[error("cannot use {}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// There is none of that name.
    #[error("there is no snapshot `{name}`{}", others(known))]
    Missing {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The name cannot be that of a directory.
    #[error("`{0}` is no name of a snapshot: letters, digits, `.`, `_` and `-`, beginning with a letter or digit")]
    Name(String),
    /// More than [`MOST_BYTES`].
    #[error("{0} holds more than 1 GiB: too much for a snapshot")]
    TooLarge(String),
}

fn others(known: &[String]) -> String {
    match known {
        [] => String::new(),
        known => format!("; there are: {}", known.join(", ")),
    }
}

/// What is in a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    version: u32,
    /// `docker` or `embedded`.
    pub engine: String,
    /// Named volumes, each a tar archive.
    pub volumes: BTreeSet<String>,
    /// Services of this machine whose data directory is in it.
    pub data: BTreeSet<String>,
    /// The memory of the provider.
    pub idp: bool,
    /// The people of the directory.
    pub iam: bool,
    /// Seconds since the epoch.
    pub taken_at: i64,
    /// Size of all archives.
    pub bytes: u64,
}

/// The snapshots of a work tree: beside its state, so that `down` leaves them.
#[derive(Clone, Debug)]
pub struct Snapshots {
    root: PathBuf,
}

/// One of them, or one that is made.
#[derive(Debug)]
pub struct Snapshot {
    directory: PathBuf,
    /// What is in it.
    pub contents: Contents,
}

impl Snapshots {
    /// Those of a project.
    #[must_use]
    pub fn of(project: &Project) -> Self {
        Self { root: project.state.with_extension("snapshots") }
    }

    /// All, by name.
    #[must_use]
    pub fn list(&self) -> Vec<(String, Contents)> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut found: Vec<(String, Contents)> =
            names.filter_map(|name| Some((name.clone(), self.open(&name).ok()?.contents))).collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    /// One of them.
    ///
    /// # Errors
    /// There is none of that name, or it cannot be read.
    pub fn open(&self, name: &str) -> Result<Snapshot, SnapshotError> {
        let directory = self.place(name)?;
        let path = directory.join(CONTENTS);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Err(self.missing(name)),
            Err(cause) => return Err(SnapshotError::File { path, cause }),
        };
        let contents = serde_json::from_str::<Contents>(&text).map_err(io::Error::from).and_then(|contents| {
            if contents.version == VERSION { Ok(contents) } else { Err(io::Error::other("of another version")) }
        });
        let contents = contents.map_err(|cause| SnapshotError::File { path, cause })?;
        Ok(Snapshot { directory, contents })
    }

    /// Begins one: it is there when it is finished, and not before.
    ///
    /// # Errors
    /// The name is none, or the directory cannot be made.
    pub fn begin(&self, name: &str, engine: String) -> Result<Snapshot, SnapshotError> {
        self.place(name)?;
        let directory = self.root.join(".new");
        let failed = |cause| SnapshotError::File { path: directory.clone(), cause };
        drop(fs::remove_dir_all(&directory));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(failed)?;
        Ok(Snapshot { directory, contents: Contents { version: VERSION, engine, ..Contents::default() } })
    }

    /// Gives a finished one its name; an older one of that name is gone then.
    ///
    /// # Errors
    /// The state directory cannot be written.
    pub fn finish(&self, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let place = self.place(name)?;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let taken_at = i64::try_from(now.as_secs()).unwrap_or_default();
        let contents = Contents { taken_at, ..snapshot.contents.clone() };
        snapshot.write(CONTENTS, &serde_json::to_vec(&contents).unwrap_or_default())?;
        drop(fs::remove_dir_all(&place));
        fs::rename(&snapshot.directory, &place).map_err(|cause| SnapshotError::File { path: place, cause })
    }

    /// Takes one away.
    ///
    /// # Errors
    /// There is none of that name, or it cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), SnapshotError> {
        let place = self.place(name)?;
        match fs::remove_dir_all(&place) {
            Ok(()) => {}
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Err(self.missing(name)),
            Err(cause) => return Err(SnapshotError::File { path: place, cause }),
        }
        // The last one takes the directory with it.
        drop(fs::remove_dir(&self.root));
        Ok(())
    }

    /// Takes all away.
    pub(crate) fn clear(&self) {
        drop(fs::remove_dir_all(&self.root));
    }

    fn missing(&self, name: &str) -> SnapshotError {
        let known = self.list().into_iter().map(|(name, _)| name).collect();
        SnapshotError::Missing { name: name.to_owned(), known }
    }

    fn place(&self, name: &str) -> Result<PathBuf, SnapshotError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let valid = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.len() <= 63;
        if !valid || !name.chars().all(allowed) {
            return Err(SnapshotError::Name(name.to_owned()));
        }
        Ok(self.root.join(name))
    }
}

impl Snapshot {
    /// Where the archive of a volume is.
    #[must_use]
    pub fn volume(&self, key: &str) -> PathBuf {
        self.directory.join(format!("volume.{key}.tar"))
    }

    /// Packs a directory of data.
    ///
    /// # Errors
    /// It cannot be read, or is too large.
    pub fn pack(&self, service: &str, directory: &Path) -> Result<u64, SnapshotError> {
        let size = size_of(directory).map_err(|cause| SnapshotError::File { path: directory.into(), cause })?;
        if size > MOST_BYTES {
            return Err(SnapshotError::TooLarge(format!("the data of `{service}`")));
        }
        let path = self.data(service);
        let packed = File::create(&path).and_then(|file| {
            let mut archive = tar::Builder::new(BufWriter::new(file));
            archive.follow_symlinks(false);
            archive.append_dir_all(".", directory)?;
            io::Write::flush(&mut archive.into_inner()?)
        });
        packed.map_err(|cause| SnapshotError::File { path, cause })?;
        Ok(size)
    }

    /// Puts it back in place of what is there. Done beside and renamed: a killed process leaves no half of it.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn unpack(&self, service: &str, directory: &Path) -> Result<(), SnapshotError> {
        let beside = |end: &str| directory.with_file_name(format!(".{service}.{end}"));
        let (new, old) = (beside("new"), beside("old"));
        drop(fs::remove_dir_all(&new));
        drop(fs::remove_dir_all(&old));
        let unpacked = File::open(self.data(service)).and_then(|file| {
            fs::create_dir_all(&new)?;
            let mut archive = tar::Archive::new(BufReader::new(file));
            archive.set_preserve_permissions(true);
            archive.unpack(&new)?;
            if directory.exists() {
                fs::rename(directory, &old)?;
            }
            fs::rename(&new, directory)
        });
        unpacked.map_err(|cause| SnapshotError::File { path: directory.into(), cause })?;
        drop(fs::remove_dir_all(&old));
        Ok(())
    }

    fn data(&self, service: &str) -> PathBuf {
        self.directory.join(format!("data.{service}.tar"))
    }

    /// Writes a file of the snapshot.
    ///
    /// # Errors
    /// The state directory cannot be written.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), SnapshotError> {
        let path = self.directory.join(name);
        fs::write(&path, content).map_err(|cause| SnapshotError::File { path, cause })
    }

    /// Reads one.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, SnapshotError> {
        let path = self.directory.join(name);
        fs::read(&path).map_err(|cause| SnapshotError::File { path, cause })
    }
}

/// What the files below a directory hold. Links are not followed.
fn size_of(directory: &Path) -> io::Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let found = entry.metadata()?;
        size += if found.is_dir() { size_of(&entry.path())? } else { found.len() };
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshots(home: &Path) -> Snapshots {
        let state = home.join("p-0");
        Snapshots::of(&Project { name: "p".into(), instance: "0".into(), directory: "/".into(), state })
    }

    #[test]
    fn a_directory_comes_back_as_it_was() {
        let home = tempfile::tempdir().unwrap();
        let all = snapshots(home.path());
        let data = home.path().join("data/api");
        fs::create_dir_all(data.join("inner")).unwrap();
        fs::write(data.join("inner/db"), "before").unwrap();
        std::os::unix::fs::symlink("inner/db", data.join("link")).unwrap();
        let mut snapshot = all.begin("one", "embedded".into()).unwrap();
        assert_eq!(all.list(), []);
        snapshot.pack("api", &data).unwrap();
        snapshot.contents.data.insert("api".into());
        all.finish("one", &snapshot).unwrap();
        fs::write(data.join("inner/db"), "after").unwrap();
        fs::write(data.join("more"), "after").unwrap();

        let snapshot = all.open("one").unwrap();
        assert!(snapshot.contents.data.contains("api"));
        snapshot.unpack("api", &data).unwrap();
        assert_eq!(fs::read_to_string(data.join("link")).unwrap(), "before");
        assert!(!data.join("more").exists());
        let left: Vec<_> = fs::read_dir(home.path().join("data")).unwrap().flatten().map(|e| e.file_name()).collect();
        assert_eq!(left, ["api"]);
    }

    #[test]
    fn a_name_that_is_none_and_a_snapshot_that_is_not_there_are_told() {
        let home = tempfile::tempdir().unwrap();
        let all = snapshots(home.path());
        assert!(matches!(all.begin("../x", String::new()), Err(SnapshotError::Name(_))));
        let snapshot = all.begin("one", "docker".into()).unwrap();
        all.finish("one", &snapshot).unwrap();
        assert_eq!(all.open("two").unwrap_err().to_string(), "there is no snapshot `two`; there are: one");
        all.remove("one").unwrap();
        assert_eq!(all.remove("one").unwrap_err().to_string(), "there is no snapshot `one`");
    }

    #[test]
    fn more_than_a_gigabyte_is_refused_before_it_is_copied() {
        let home = tempfile::tempdir().unwrap();
        let all = snapshots(home.path());
        let data = home.path().join("data");
        fs::create_dir_all(&data).unwrap();
        // A file of one gigabyte and one byte that takes no room.
        File::create(data.join("big")).unwrap().set_len(MOST_BYTES + 1).unwrap();
        let error = all.begin("one", "embedded".into()).unwrap().pack("api", &data).unwrap_err();
        assert_eq!(error.to_string(), "the data of `api` holds more than 1 GiB: too much for a snapshot");
    }
}
