//! Content of bind mounts that counts as configuration: when it changes, the service is made anew.
//!
//! What a service may be writing itself must not count, or each `up` would replace it: files that it can write count only
//! while they are text, directories only when they are mounted read-only (`docs/decisions/0050`).

use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};

use super::{Digests, Ignore, Kind, walk};
use crate::plan::hex;

/// Larger mounts are data.
pub const MOST_BYTES: u64 = 1024 * 1024;
/// Directories with more files are data.
pub const MOST_FILES: usize = 64;

/// The digest of what a bind mount shows; `None` when it does not count, or is not there.
#[must_use]
pub fn content(path: &Path, read_only: bool, digests: &mut Digests) -> Option<String> {
    let metadata = std::fs::metadata(path).ok()?;
    if metadata.is_dir() {
        return if read_only { directory(path, digests) } else { None };
    }
    let counts = metadata.is_file() && metadata.len() <= MOST_BYTES && (read_only || is_text(path));
    counts.then(|| digests.of(path).ok()).flatten()
}

fn is_text(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|bytes| !bytes.contains(&0))
}

fn directory(root: &Path, digests: &mut Digests) -> Option<String> {
    // Looked at before it is walked: a mounted home directory would take minutes.
    if std::fs::read_dir(root).ok()?.take(MOST_FILES + 1).count() > MOST_FILES {
        return None;
    }
    let subdirectories = std::fs::read_dir(root).ok()?.filter_map(Result::ok);
    for entry in subdirectories.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        if std::fs::read_dir(entry.path()).ok()?.take(MOST_FILES + 1).count() > MOST_FILES {
            return None;
        }
    }
    let entries = walk(root, &Ignore::default()).ok()?;
    let files = entries.iter().filter(|entry| entry.kind == Kind::File);
    let bytes: u64 =
        files.clone().filter_map(|entry| std::fs::metadata(root.join(&entry.path)).ok()).map(|m| m.len()).sum();
    if entries.len() > MOST_FILES || bytes > MOST_BYTES {
        return None;
    }
    let mut sum = Context::new(&SHA256);
    for entry in files {
        sum.update(entry.path.as_bytes());
        sum.update(b"\0");
        sum.update(digests.of(&root.join(&entry.path)).ok()?.as_bytes());
    }
    Some(hex(sum.finish().as_ref()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn of(path: &Path, read_only: bool) -> Option<String> {
        content(path, read_only, &mut Digests::open(None))
    }

    #[test]
    fn a_changed_file_has_another_digest_and_data_has_none() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("nginx.conf");
        fs::write(&file, "one").unwrap();
        let one = of(&file, false).unwrap();
        fs::write(&file, "two!").unwrap();
        assert_ne!(of(&file, false).unwrap(), one);
        fs::write(&file, b"SQLite format 3\0").unwrap();
        assert_eq!(of(&file, false), None, "the service may be writing it");
        assert!(of(&file, true).is_some());
        fs::write(&file, vec![b'x'; 1024 * 1024 + 1]).unwrap();
        assert_eq!(of(&file, true), None);
        assert_eq!(of(&directory.path().join("none"), true), None);
    }

    #[test]
    fn a_directory_counts_when_it_is_small_and_read_only() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("conf.d")).unwrap();
        fs::write(directory.path().join("conf.d/a"), "one").unwrap();
        let one = of(directory.path(), true).unwrap();
        assert_eq!(of(directory.path(), false), None);
        fs::write(directory.path().join("conf.d/b"), "").unwrap();
        assert_ne!(of(directory.path(), true).unwrap(), one);
        for number in 0..100 {
            fs::write(directory.path().join(format!("conf.d/{number}")), "").unwrap();
        }
        assert_eq!(of(directory.path(), true), None);
    }
}
