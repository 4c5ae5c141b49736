//! Finds the manifest and the state directory of a work tree.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::manifest::{Files, SourceFile};
use crate::plan::{Project, hex};

/// File names that are looked for, in this order: ours, then those of a Compose file that stands alone.
const NAMES: [&str; 6] =
    ["devenv.yaml", "devenv.yml", "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// A manifest that was found and read.
#[derive(Clone, Debug)]
pub struct Located {
    /// Absolute directory of the manifest.
    pub directory: PathBuf,
    /// The manifest.
    pub file: SourceFile,
    /// Files laid over it: named after it, or `compose.override.yaml` beside it (Compose).
    pub overrides: Vec<SourceFile>,
}

/// The files of this machine that a manifest may name.
#[derive(Clone, Debug)]
pub struct ProjectFiles {
    /// What relative paths are relative to.
    pub directory: PathBuf,
}

/// Larger files are no configuration.
const MOST_BYTES: u64 = 4 << 20;

impl Files for ProjectFiles {
    fn read(&self, path: &Path) -> Result<Option<String>, String> {
        let path = self.directory.join(path);
        match std::fs::metadata(&path) {
            Ok(found) if found.is_dir() => return Err("it is a directory".to_owned()),
            Ok(found) if found.len() > MOST_BYTES => return Err("it is larger than 4 MiB".to_owned()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        }
        std::fs::read_to_string(&path).map(Some).map_err(|error| error.to_string())
    }
}

/// No manifest.
#[derive(Debug, Error)]
pub enum LocateError {
    /// None in the directory or above it.
    #[error("no devenv.yaml or compose.yaml in {} or any directory above it", .0.display())]
    Missing(PathBuf),
    /// It is there and cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// Finds and reads the manifest: the named files, or the first one from `start` upwards with its override file.
///
/// # Errors
/// There is none, or one cannot be read as UTF-8.
pub fn locate(start: &Path, named: &[PathBuf]) -> Result<Located, LocateError> {
    let (path, overrides) = match named {
        [first, rest @ ..] => (start.join(first), rest.iter().map(|file| start.join(file)).collect()),
        [] => {
            let path = find(start)?;
            let beside = override_of(&path);
            (path, beside.into_iter().collect::<Vec<_>>())
        }
    };
    let absolute = path.canonicalize().map_err(|cause| LocateError::Unreadable { path: path.clone(), cause })?;
    let directory = absolute.parent().unwrap_or(Path::new("/")).to_path_buf();
    let overrides = overrides.iter().map(|path| source(path)).collect::<Result<_, _>>()?;
    Ok(Located { directory, file: source(&path)?, overrides })
}

fn source(path: &Path) -> Result<SourceFile, LocateError> {
    let text =
        std::fs::read_to_string(path).map_err(|cause| LocateError::Unreadable { path: path.to_path_buf(), cause })?;
    Ok(SourceFile { path: path.strip_prefix("./").unwrap_or(path).to_path_buf(), text })
}

/// `compose.override.yaml` for `compose.yaml`, when it is there.
fn override_of(path: &Path) -> Option<PathBuf> {
    let stem = path.file_stem()?.to_str()?;
    let names = ["yaml", "yml"].map(|extension| path.with_file_name(format!("{stem}.override.{extension}")));
    names.into_iter().find(|name| name.is_file())
}

fn find(start: &Path) -> Result<PathBuf, LocateError> {
    let absolute = start.canonicalize().map_err(|cause| LocateError::Unreadable { path: start.into(), cause })?;
    for (depth, directory) in absolute.ancestors().enumerate() {
        for name in NAMES {
            if directory.join(name).is_file() {
                return Ok(if depth == 0 { start.join(name) } else { directory.join(name) });
            }
        }
    }
    Err(LocateError::Missing(start.into()))
}

/// Who a work tree is: its name and the place of its state.
#[must_use]
pub fn project(name: Option<&str>, directory: &Path, environment: &BTreeMap<String, String>) -> Project {
    let name = sanitized(name.or_else(|| directory.file_name().and_then(|name| name.to_str())).unwrap_or("stack"));
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, directory.as_os_str().as_encoded_bytes());
    let instance = hex(digest.as_ref().get(..4).unwrap_or_default());
    let state = state_home(environment).join("devenv").join(format!("{name}-{instance}"));
    Project { name, instance, directory: directory.to_path_buf(), state }
}

/// The user's state directory (XDG Base Directory Specification).
#[must_use]
pub fn state_home(environment: &BTreeMap<String, String>) -> PathBuf {
    let absolute = |name: &str| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .unwrap_or_else(std::env::temp_dir)
}

/// Lower case letters, digits, `-` and `_`, as container and network names want it.
fn sanitized(name: &str) -> String {
    let kept: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '-' })
        .collect();
    let trimmed = kept.trim_matches(['-', '_']);
    if trimmed.is_empty() { "stack".into() } else { trimmed.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_work_trees_of_one_project_are_two_instances() {
        let environment = BTreeMap::from([("XDG_STATE_HOME".to_owned(), "/state".to_owned())]);
        let one = project(Some("Orders API"), Path::new("/a/orders"), &environment);
        let two = project(Some("Orders API"), Path::new("/b/orders"), &environment);
        assert_eq!(one.name, "orders-api");
        assert_ne!(one.instance, two.instance);
        assert_eq!(one.state, PathBuf::from(format!("/state/devenv/orders-api-{}", one.instance)));
    }

    #[test]
    fn a_relative_state_home_is_ignored_as_the_specification_says() {
        let environment = BTreeMap::from([
            ("XDG_STATE_HOME".to_owned(), "state".to_owned()),
            ("HOME".to_owned(), "/home/a".to_owned()),
        ]);
        assert!(project(None, Path::new("/x"), &environment).state.starts_with("/home/a/.local/state"));
    }
}
