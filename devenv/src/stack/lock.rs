//! One `devenv` at a time changes a stack; the second one says who holds it. The kernel releases the lock of a dead holder.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::plan::Project;

/// The lock could not be had.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another `devenv` works on this stack.
    #[error("another devenv works on this stack: {holder}")]
    Held {
        /// Who, as it wrote it down.
        holder: String,
    },
    /// The lock file cannot be used.
    #[error("cannot lock {}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// Held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    /// As it was found.
    abandoned: bool,
    /// As it shall be found.
    left: bool,
}

impl Lock {
    /// Takes the lock of a stack, for a command that is named to whoever comes second.
    ///
    /// # Errors
    /// It is held, or the state directory cannot be used.
    pub fn take(project: &Project, command: &str) -> Result<Self, LockError> {
        let path = lock_path(project);
        let failed = |cause| LockError::File { path: path.clone(), cause };
        fs::create_dir_all(path.parent().unwrap_or(&project.state)).map_err(failed)?;
        let (mut file, locked) = loop {
            let file =
                File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
            let locked = file.try_lock();
            // The holder of a moment ago may have removed the file: a lock on that would keep nobody out.
            if locked.is_err() || is_at(&file, &path) {
                break (file, locked);
            }
        };
        let mut last = String::new();
        drop(file.read_to_string(&mut last));
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held { holder: last.trim().to_owned() }),
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        let holder = format!("`devenv {command}` (pid {})\n", std::process::id());
        // On a full disk the name is missing and the lock holds all the same: `down` must work to free the disk.
        drop(file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(holder.as_bytes())));
        Ok(Self { file, abandoned: !last.trim().is_empty(), left: false })
    }

    /// Releases the lock as a killed holder would: an engine may still be at work on what was asked of it.
    pub fn abandon(mut self) {
        self.left = true;
    }

    /// Whether the holder before was killed: who ends in order leaves no name behind.
    #[must_use]
    pub fn was_abandoned(&self) -> bool {
        self.abandoned
    }
}

/// Whether an open file is the one that is found under a path now.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        // Whatever is wrong there, asking again would not mend it.
        (Err(_), _) => true,
        (_, Err(error)) => error.kind() != io::ErrorKind::NotFound,
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if !self.left {
            drop(self.file.set_len(0));
        }
        drop(self.file.unlock());
    }
}

/// Beside the state directory, not in it: `down` removes the directory while it holds the lock.
fn lock_path(project: &Project) -> PathBuf {
    project.state.with_extension("lock")
}

/// Forgets the lock file itself; for the end of `down`, while the lock is held.
pub(crate) fn forget(project: &Project) {
    drop(fs::remove_file(lock_path(project)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_holds_the_lock_and_gets_it_afterwards() {
        let state = tempfile::tempdir().unwrap();
        let project =
            Project { name: "p".into(), instance: "0".into(), directory: "/".into(), state: state.path().join("p-0") };
        let first = Lock::take(&project, "up").unwrap();
        let error = Lock::take(&project, "down").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("another devenv works on this stack: `devenv up` (pid {})", std::process::id())
        );
        drop(first);
        assert!(!Lock::take(&project, "down").unwrap().was_abandoned());
    }

    #[test]
    fn the_name_of_a_killed_holder_stays_behind() {
        let state = tempfile::tempdir().unwrap();
        let project =
            Project { name: "p".into(), instance: "0".into(), directory: "/".into(), state: state.path().join("p-0") };
        fs::write(lock_path(&project), "`devenv up` (pid 1)\n").unwrap();
        assert!(Lock::take(&project, "down").unwrap().was_abandoned());
    }
}
