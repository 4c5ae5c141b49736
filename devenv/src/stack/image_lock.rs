//! `devenv.lock`: which content each image had when somebody looked, so that everybody starts the same.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

const NAME: &str = "devenv.lock";
const VERSION: u32 = 1;
const HEADER: &str = "# Written by `devenv lock`; `devenv up --locked` starts these contents and no others.\n";

/// The lock file cannot be used.
#[derive(Debug, Error)]
pub enum ImageLockError {
    /// It cannot be read or written.
    #[error("cannot use {}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Its text means nothing.
    #[error("cannot read {}: {cause}", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
}

/// The contents of one image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedImage {
    /// Digest in its registry; absent for images that were never in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Id on the machine where it was locked; differs between processor architectures.
    pub id: String,
}

impl LockedImage {
    /// Whether an image that is here has the same content.
    #[must_use]
    pub fn admits(&self, here: &Self) -> bool {
        match (&self.digest, &here.digest) {
            (Some(locked), Some(found)) => locked == found,
            _ => self.id == here.id,
        }
    }
}

/// All images of a stack, by reference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageLock {
    version: u32,
    /// By reference as it is written in the manifest.
    pub images: BTreeMap<String, LockedImage>,
}

impl ImageLock {
    /// A lock of these images.
    #[must_use]
    pub fn new(images: BTreeMap<String, LockedImage>) -> Self {
        Self { version: VERSION, images }
    }

    /// Reads the lock of a project; `None`: there is none.
    ///
    /// # Errors
    /// It cannot be read, or was written by another version.
    pub fn read(directory: &Path) -> Result<Option<Self>, ImageLockError> {
        let path = directory.join(NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(ImageLockError::File { path, cause }),
        };
        let wrong = |cause: String| ImageLockError::Text { path: path.clone(), cause };
        let lock: Self = serde_saphyr::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if lock.version != VERSION {
            return Err(wrong(format!("version {} is not known; write it again with `devenv lock`", lock.version)));
        }
        Ok(Some(lock))
    }

    /// Writes it beside the manifest, and says where.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, directory: &Path) -> Result<PathBuf, ImageLockError> {
        let path = directory.join(NAME);
        let text = serde_yaml::to_string(self).unwrap_or_default();
        match std::fs::write(&path, format!("{HEADER}{text}")) {
            Ok(()) => Ok(path),
            Err(cause) => Err(ImageLockError::File { path, cause }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_read_as_it_was_written_and_digests_count_more_than_ids() {
        let directory = tempfile::tempdir().unwrap();
        let image =
            |digest: Option<&str>, id: &str| LockedImage { digest: digest.map(str::to_owned), id: id.to_owned() };
        let lock = ImageLock::new([("postgres:17".to_owned(), image(Some("sha256:d"), "sha256:i"))].into());
        assert_eq!(ImageLock::read(directory.path()).unwrap(), None);
        let path = lock.write(directory.path()).unwrap();
        assert_eq!(ImageLock::read(directory.path()).unwrap(), Some(lock.clone()));
        let locked = &lock.images["postgres:17"];
        assert!(locked.admits(&image(Some("sha256:d"), "of another architecture")));
        assert!(!locked.admits(&image(Some("sha256:e"), "sha256:i")));
        assert!(locked.admits(&image(None, "sha256:i")) && !locked.admits(&image(None, "sha256:j")));
        std::fs::write(path, "version: 9\nimages: {}\n").unwrap();
        assert!(ImageLock::read(directory.path()).unwrap_err().to_string().contains("version 9"));
    }
}
