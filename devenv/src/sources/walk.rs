//! Everything in a directory, in a fixed order.

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{Ignore, SourceError, unreadable};

/// Something in a directory.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Path below the directory, with `/` between its parts.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
}

/// What an entry is. Sockets, pipes and devices are nothing that could be copied, and are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A file.
    File,
    /// A symbolic link, to this.
    Link(PathBuf),
}

/// All entries below a directory that are not ignored, parents before children, sorted by path. Links are not followed.
///
/// # Errors
/// A directory cannot be read. What vanishes meanwhile is left out.
pub fn walk(root: &Path, ignore: &Ignore) -> Result<Vec<Entry>, SourceError> {
    let mut entries = Vec::new();
    below(root, "", ignore, &mut entries)?;
    Ok(entries)
}

fn below(root: &Path, inside: &str, ignore: &Ignore, entries: &mut Vec<Entry>) -> Result<(), SourceError> {
    let directory = root.join(inside);
    let mut names: Vec<String> = std::fs::read_dir(&directory)
        .map_err(unreadable(&directory))?
        .filter_map(Result::ok)
        // A name that is not UTF-8 cannot be written in a Dockerfile either.
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    for name in names {
        let path = if inside.is_empty() { name } else { format!("{inside}/{name}") };
        let excluded = ignore.excludes(&path);
        let full = root.join(&path);
        let Ok(metadata) = std::fs::symlink_metadata(&full) else { continue };
        let Some(kind) = kind(&full, &metadata) else { continue };
        let descend = kind == Kind::Directory && (!excluded || ignore.has_exceptions());
        if !excluded {
            entries.push(Entry { path: path.clone(), kind, mode: metadata.permissions().mode() & 0o7777 });
        }
        if descend {
            below(root, &path, ignore, entries)?;
        }
    }
    Ok(())
}

fn kind(path: &Path, metadata: &Metadata) -> Option<Kind> {
    if metadata.is_dir() {
        Some(Kind::Directory)
    } else if metadata.is_file() {
        Some(Kind::File)
    } else if metadata.is_symlink() {
        std::fs::read_link(path).ok().map(Kind::Link)
    } else {
        None
    }
}
