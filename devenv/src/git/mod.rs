//! Git, through the git program: repositories, what is staged, files of a revision, notes, hooks. Must not know what is in
//! the files.
//!
//! The program is what the team has configured (worktrees, partial clones, safe directories); a library would not be.

pub mod hooks;
pub mod notes;
mod repository;
mod staged;

use std::path::Path;
use std::process::Command;

use thiserror::Error;

pub use repository::Repository;
pub use staged::{Beside, Scratch, Staged};

/// The variables with which git tells a hook about its repository (`git rev-parse --local-env-vars`). What a hook starts
/// must not inherit them: a build script that asks git about itself would be told about the wrong repository.
pub const LOCAL_VARIABLES: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_INTERNAL_SUPER_PREFIX",
];

/// Why git did not give what was asked for.
#[derive(Debug, Error)]
pub enum GitError {
    /// The program cannot be started.
    #[error("cannot run `git`: {0}")]
    Program(#[source] std::io::Error),
    /// There is no such revision.
    #[error("`{revision}` is not a revision here: {cause}")]
    Revision {
        /// What was asked for.
        revision: String,
        /// What git says.
        cause: String,
    },
    /// Something else that git refuses.
    #[error("git refused: {0}")]
    Refused(String),
    /// A file that is not text.
    #[error("`{0}` is not UTF-8 text")]
    NotText(String),
    /// A file or directory that git needs cannot be made.
    #[error("cannot use {}: {cause}", path.display())]
    File {
        /// Which.
        path: std::path::PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
}

/// A file of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileAt {
    /// Path relative to the directory that was asked about.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// The full name of the commit that a revision means.
///
/// # Errors
/// No git, no repository, or no such revision.
pub fn commit(directory: &Path, revision: &str) -> Result<String, GitError> {
    // `--end-of-options`: a revision such as `--output=file` stays a revision.
    let wanted = format!("{revision}^{{commit}}");
    let output = git(directory, &["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let cause = if said.is_empty() { "no such commit".to_owned() } else { said };
        return Err(GitError::Revision { revision: revision.to_owned(), cause });
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The files of a folder (not of its subfolders) whose name ends in one of `endings`, as a revision has them, sorted by
/// path. A folder that the revision does not have is empty.
///
/// # Errors
/// No git, no repository, no such revision, or a file that is not text.
pub fn files(directory: &Path, revision: &str, folder: &Path, endings: &[&str]) -> Result<Vec<FileAt>, GitError> {
    let commit = commit(directory, revision)?;
    let folder = folder.to_string_lossy();
    let folder = format!("./{}/", folder.trim_start_matches("./").trim_end_matches('/'));
    let listed = succeed(git(directory, &["ls-tree", "-z", "--name-only", &commit, "--", &folder])?)?;
    let mut paths: Vec<&str> =
        listed.split('\0').filter(|path| endings.iter().any(|end| path.ends_with(end))).collect();
    paths.sort_unstable();
    let read = |path: &str| {
        let output = git(directory, &["show", &format!("{commit}:./{path}")])?;
        let path = path.to_owned();
        match String::from_utf8(output.stdout) {
            Ok(text) if output.status.success() => Ok(FileAt { path, text }),
            Ok(_) => Err(GitError::Refused(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
            Err(_) => Err(GitError::NotText(path)),
        }
    };
    paths.into_iter().map(read).collect()
}

fn git(directory: &Path, arguments: &[&str]) -> Result<std::process::Output, GitError> {
    // Messages are shown to people and never parsed; prompts would hang a command.
    let mut command = Command::new("git");
    command.arg("-C").arg(directory).args(arguments).env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0");
    command.output().map_err(GitError::Program)
}

fn succeed(output: std::process::Output) -> Result<String, GitError> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(GitError::Refused(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(directory: &Path, arguments: &[&str]) {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.test", "-c", "commit.gpgsign=false"];
        let output = Command::new("git").arg("-C").arg(directory).args(identity).args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// A repository with a project in a subdirectory and two commits.
    fn repository() -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        let policies = place.path().join("project/policies");
        std::fs::create_dir_all(policies.join("deeper")).unwrap();
        run(place.path(), &["init", "-q"]);
        for (name, text) in [("b.cedar", "old b"), ("a.cedar", "old a"), ("x.txt", "x"), ("deeper/c.cedar", "c")] {
            std::fs::write(policies.join(name), text).unwrap();
        }
        run(place.path(), &["add", "."]);
        run(place.path(), &["commit", "-qm", "one"]);
        std::fs::write(policies.join("a.cedar"), "new a").unwrap();
        run(place.path(), &["commit", "-qam", "two"]);
        place
    }

    #[test]
    fn files_are_those_of_the_revision_and_of_the_folder_itself() {
        let place = repository();
        let project = place.path().join("project");
        let texts = |revision| {
            let files = files(&project, revision, Path::new("policies/"), &[".cedar"]).unwrap();
            files.into_iter().map(|file| format!("{}={}", file.path, file.text)).collect::<Vec<_>>()
        };
        assert_eq!(texts("HEAD~1"), ["policies/a.cedar=old a", "policies/b.cedar=old b"]);
        assert_eq!(texts("HEAD"), ["policies/a.cedar=new a", "policies/b.cedar=old b"]);
        assert_eq!(files(&project, "HEAD", Path::new("nowhere"), &[".cedar"]).unwrap(), []);
    }

    #[test]
    fn what_is_no_revision_is_refused_whatever_it_looks_like() {
        let place = repository();
        for revision in ["nonsense", "--output=/tmp/x", "", "HEAD~9"] {
            let error = commit(place.path(), revision).unwrap_err();
            assert!(matches!(error, GitError::Revision { .. }), "{revision}: {error}");
        }
        let empty = tempfile::tempdir().unwrap();
        assert!(commit(empty.path(), "HEAD").is_err());
    }
}
