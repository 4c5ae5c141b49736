//! Files that exist before a service's first instruction: which volumes hold them, and the archive that brings them.
//! Pure; must not know the engine. Files travel through the API, so a remote engine is served like a local one.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::plan::{DeliveredFile, PlannedService};

/// Numeric user and group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    /// User id.
    pub(super) user: u64,
    /// Group id.
    pub(super) group: u64,
}

/// The superuser.
pub(super) const ROOT: Owner = Owner { user: 0, group: 0 };

/// Directories that must be anonymous volumes so that files can be put there: those of a read-only root file system,
/// where the engine takes an archive only into a volume. A directory below another of them needs none of its own.
pub(super) fn volumes_for(service: &PlannedService) -> BTreeSet<String> {
    if !service.hardening.read_only {
        return BTreeSet::new();
    }
    let mounted = |directory: &str| service.mounts.iter().any(|mount| within(directory, &mount.target));
    let mut volumes = BTreeSet::<String>::new();
    for directory in directories(service).filter(|directory| !mounted(directory)) {
        // Sorted order brings parents before children.
        if !volumes.iter().any(|volume| within(&directory, volume)) {
            volumes.insert(directory);
        }
    }
    volumes
}

/// The files by the directory that their archive is extracted at: the volume that they are in, else `/`.
pub(super) fn by_destination(service: &PlannedService) -> BTreeMap<String, Vec<&DeliveredFile>> {
    let volumes = volumes_for(service);
    let mut destinations = BTreeMap::<String, Vec<&DeliveredFile>>::new();
    for file in &service.files {
        let volume = volumes.iter().find(|volume| within(parent(&file.path), volume));
        let mount = service.mounts.iter().map(|mount| &mount.target).find(|target| within(parent(&file.path), target));
        let destination = volume.or(mount).cloned().unwrap_or_else(|| "/".to_owned());
        destinations.entry(destination).or_default().push(file);
    }
    destinations
}

/// Directories between a destination and its files, parents first, relative to the destination.
pub(super) fn directories_below(destination: &str, files: &[&DeliveredFile]) -> BTreeSet<String> {
    let mut directories = BTreeSet::new();
    for file in files {
        let mut directory = parent(relative(destination, &file.path));
        while !directory.is_empty() && directory != "/" {
            directories.insert(directory.to_owned());
            directory = parent(directory);
        }
    }
    directories
}

/// A tar archive of files, to be extracted at `destination`, with entries for the directories named in `missing`.
///
/// # Errors
/// Only when a path is too strange for a tar archive.
pub(super) fn archive(
    destination: &str,
    files: &[&DeliveredFile],
    missing: &BTreeSet<String>,
    owner: Owner,
) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for directory in missing {
        let mut header = header(owner, 0o755, 0);
        header.set_entry_type(tar::EntryType::Directory);
        archive.append_data(&mut header, format!("{directory}/"), io::empty())?;
    }
    for file in files {
        let mut header = header(owner, file.mode, file.content.len());
        archive.append_data(&mut header, relative(destination, &file.path), file.content.as_slice())?;
    }
    archive.into_inner()
}

/// A header whose time is fixed: what is delivered must not depend on when.
pub(super) fn header(owner: Owner, mode: u32, size: usize) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_uid(owner.user);
    header.set_gid(owner.group);
    header.set_mode(mode);
    header.set_size(size as u64);
    header.set_mtime(0);
    header
}

/// A numeric `uid` or `uid:gid`.
pub(super) fn numeric(user: &str) -> Option<Owner> {
    match user.split_once(':') {
        Some((user, group)) => Some(Owner { user: user.parse().ok()?, group: group.parse().ok()? }),
        None => Some(Owner { user: user.parse().ok()?, group: 0 }),
    }
}

/// A user of an `/etc/passwd` by name; a group after a colon is not looked up, because the owner reads by the user bits.
pub(super) fn in_passwd(passwd: &str, user: &str) -> Option<Owner> {
    let name = user.split(':').next()?;
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let (found, user, group) = (fields.first()?, fields.get(2)?, fields.get(3)?);
        (*found == name).then(|| Some(Owner { user: user.parse().ok()?, group: group.parse().ok()? }))?
    })
}

fn directories(service: &PlannedService) -> impl Iterator<Item = String> {
    service.files.iter().map(|file| parent(&file.path).to_owned()).collect::<BTreeSet<_>>().into_iter()
}

/// Whether `path` is `directory` or below it.
fn within(path: &str, directory: &str) -> bool {
    let directory = directory.trim_end_matches('/');
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((parent, _)) => parent,
        None => "",
    }
}

fn relative<'a>(destination: &str, path: &'a str) -> &'a str {
    path.strip_prefix(destination.trim_end_matches('/')).unwrap_or(path).trim_start_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> DeliveredFile {
        DeliveredFile { path: path.to_owned(), content: b"x".to_vec(), mode: 0o400 }
    }

    #[test]
    fn a_path_is_within_a_directory_and_not_within_one_whose_name_it_begins_with() {
        assert!(within("/run/secrets", "/run/secrets") && within("/run/secrets/a", "/run/secrets/"));
        assert!(within("/run", "/") && !within("/running", "/run"));
    }

    #[test]
    fn directories_are_named_with_parents_first_and_relative() {
        let (a, b) = (file("/run/secrets/x/y/a"), file("/run/secrets/b"));
        let below: Vec<String> = directories_below("/run/secrets", &[&a, &b]).into_iter().collect();
        assert_eq!(below, ["x", "x/y"]);
        let below: Vec<String> = directories_below("/", &[&b]).into_iter().collect();
        assert_eq!(below, ["run", "run/secrets"]);
    }

    #[test]
    fn the_archive_says_owner_and_mode_and_names_only_directories_that_are_missing() {
        let owner = Owner { user: 65532, group: 7 };
        let missing = BTreeSet::from(["run/secrets".to_owned()]);
        let bytes = archive("/", &[&file("/run/secrets/a")], &missing, owner).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entries: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let header = entry.header();
                let (user, group, mode) = (header.uid().unwrap(), header.gid().unwrap(), header.mode().unwrap());
                format!("{} {user}:{group} {mode:o}", entry.path().unwrap().display())
            })
            .collect();
        assert_eq!(entries, ["run/secrets/ 65532:7 755", "run/secrets/a 65532:7 400"]);
    }

    #[test]
    fn users_are_numbers_or_names_of_the_images_own_file() {
        assert_eq!(numeric("65532:7"), Some(Owner { user: 65532, group: 7 }));
        assert_eq!(numeric("1000"), Some(Owner { user: 1000, group: 0 }));
        assert_eq!(numeric("postgres"), None);
        let passwd = "root:x:0:0:root:/root:/bin/sh\npostgres:x:999:998::/var/lib/postgresql:/bin/bash\n";
        assert_eq!(in_passwd(passwd, "postgres"), Some(Owner { user: 999, group: 998 }));
        assert_eq!(in_passwd(passwd, "postgres:ssl"), Some(Owner { user: 999, group: 998 }));
        assert_eq!(in_passwd(passwd, "nobody"), None);
    }
}
