//! Git, through the git program: repositories, what is staged, files of a revision, notes, hooks. Must not know what is in
//! the files.
//!
//! The program is what the team has configured (worktrees, partial clones, safe directories); a library would not be.

pub mod hooks;
pub mod notes;
mod repository;
mod staged;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

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

/// A file that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What it was called, relative to the directory that was asked about.
    pub before: String,
    /// What it is called.
    pub now: String,
}

/// The files under a directory that were there in a commit and differ in the work tree, renamed or not. What was added
/// or deleted is not among them.
///
/// # Errors
/// No git, or no repository.
pub fn edits(directory: &Path, commit: &str) -> Result<Vec<Edit>, GitError> {
    let arguments =
        ["diff", "--name-status", "-z", "--no-ext-diff", "--find-renames", "--diff-filter=MR", "--relative"];
    let listed = succeed(git(directory, &[&arguments[..], &[commit, "--", "."]].concat())?)?;
    let mut words = listed.split('\0').filter(|word| !word.is_empty());
    let mut edits = Vec::new();
    // `M`, path; or `R` and a number, path, path.
    while let (Some(status), Some(before)) = (words.next(), words.next()) {
        let now = if status.starts_with('R') { words.next().unwrap_or_default() } else { before };
        edits.push(Edit { before: before.to_owned(), now: now.to_owned() });
    }
    Ok(edits)
}

/// Files of a commit, in the order asked for; nothing for one that is not there or not text.
///
/// # Errors
/// No git, or no repository.
pub fn texts(directory: &Path, commit: &str, paths: &[&str]) -> Result<Vec<Option<String>>, GitError> {
    let mut command = command(directory, &["cat-file", "--batch"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(GitError::Program)?;
    let asked: String = paths.iter().map(|path| format!("{commit}:./{}\n", path.replace('\n', ""))).collect();
    let stdin = child.stdin.take();
    // Git answers while it is asked: whoever only writes waits for one who waits.
    let writer = std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(asked.as_bytes())));
    let output = child.wait_with_output().map_err(GitError::Program)?;
    drop(writer.join());
    let mut rest = output.stdout.as_slice();
    Ok(paths.iter().map(|_| next_object(&mut rest)).collect())
}

/// `ID blob SIZE`, a line end, the content, a line end; or `NAME missing`.
fn next_object(rest: &mut &[u8]) -> Option<String> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let head = String::from_utf8_lossy(rest.get(..end)?).into_owned();
    *rest = rest.get(end + 1..)?;
    let mut words = head.rsplit(' ');
    let (size, kind) = (words.next()?.parse::<usize>().ok()?, words.next()?);
    let content = rest.get(..size)?;
    *rest = rest.get(size + 1..).unwrap_or_default();
    String::from_utf8(content.to_vec()).ok().filter(|_| kind == "blob")
}

fn git(directory: &Path, arguments: &[&str]) -> Result<std::process::Output, GitError> {
    command(directory, arguments).output().map_err(GitError::Program)
}

fn command(directory: &Path, arguments: &[&str]) -> Command {
    // Messages are shown to people and never parsed; prompts would hang a command.
    let mut command = Command::new("git");
    command.arg("-C").arg(directory).args(arguments).env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0");
    // In a hook they speak of another directory than the one that is asked about.
    for name in LOCAL_VARIABLES {
        command.env_remove(name);
    }
    command
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
    fn texts_come_in_the_order_asked_for_and_what_is_not_there_is_nothing() {
        let place = repository();
        let project = place.path().join("project");
        std::fs::write(project.join("policies/bytes.bin"), [0xff, 0xfe, b'\n']).unwrap();
        run(place.path(), &["add", "."]);
        run(place.path(), &["commit", "-qm", "three"]);
        let commit = commit(&project, "HEAD").unwrap();
        let paths = ["policies/b.cedar", "nowhere", "policies", "policies/bytes.bin", "policies/a.cedar"];
        let texts = texts(&project, &commit, &paths).unwrap();
        assert_eq!(texts, [Some("old b".to_owned()), None, None, None, Some("new a".to_owned())]);
    }

    #[test]
    fn edits_are_what_differs_in_the_work_tree_under_its_name_then_and_now() {
        let place = repository();
        let project = place.path().join("project");
        std::fs::write(project.join("policies/a.cedar"), "newer a").unwrap();
        std::fs::write(project.join("policies/added.cedar"), "added").unwrap();
        run(place.path(), &["mv", "project/policies/b.cedar", "project/policies/moved.cedar"]);
        std::fs::write(place.path().join("outside.txt"), "x").unwrap();
        let edits = edits(&project, &commit(&project, "HEAD").unwrap()).unwrap();
        let edits: Vec<_> = edits.iter().map(|edit| format!("{} {}", edit.before, edit.now)).collect();
        assert_eq!(edits, ["policies/a.cedar policies/a.cedar", "policies/b.cedar policies/moved.cedar"]);
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
