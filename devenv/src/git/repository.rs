//! One repository with its work tree, found once, so that every further question is asked of the same one: inside a hook,
//! git hands over a directory and an index of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{FileAt, GitError, LOCAL_VARIABLES, succeed};

/// A repository with a work tree.
#[derive(Clone, Debug)]
pub struct Repository {
    /// Top of the work tree, absolute.
    pub top: PathBuf,
    /// The directory that was asked about, relative to the top, with `/` between its parts; empty at the top.
    pub prefix: String,
    /// The repository itself, shared by all work trees.
    pub common: PathBuf,
    /// Where hooks are, `core.hooksPath` included.
    pub hooks: PathBuf,
    /// The index of this work tree; inside a hook the one that git is about to commit.
    pub index: PathBuf,
    directory: PathBuf,
}

impl Repository {
    /// Finds the repository around a directory.
    ///
    /// # Errors
    /// No git, no repository, or one without a work tree.
    pub fn open(directory: &Path) -> Result<Self, GitError> {
        let mut command = Command::new("git");
        // A hook's `GIT_DIR` may be relative to where the hook was started, so git must be asked from there.
        if std::env::var_os("GIT_DIR").is_none() {
            command.arg("-C").arg(directory);
        }
        let wanted = ["--show-toplevel", "--git-dir", "--git-common-dir", "--git-path", "hooks", "--git-path", "index"];
        command.args(["rev-parse", "--path-format=absolute"]).args(wanted).env("GIT_OPTIONAL_LOCKS", "0");
        let text = succeed(command.output().map_err(GitError::Program)?)?;
        let mut lines = text.lines().map(PathBuf::from);
        let mut next = || lines.next().ok_or_else(|| GitError::Refused("no work tree here".to_owned()));
        let (top, git, common, hooks, index) = (next()?, next()?, next()?, next()?, next()?);
        let absolute =
            |path: &Path| path.canonicalize().map_err(|cause| GitError::File { path: path.to_path_buf(), cause });
        let (top, asked) = (absolute(&top)?, absolute(directory)?);
        let inside = asked
            .strip_prefix(&top)
            .map_err(|_| GitError::Refused(format!("{} is not in the work tree {}", asked.display(), top.display())))?;
        let prefix = inside.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
        Ok(Self { top, prefix, common, hooks, index, directory: git })
    }

    /// The path of a file of the project as git knows it.
    #[must_use]
    pub fn path_of(&self, relative: &str) -> String {
        let relative = relative.trim_start_matches("./");
        if self.prefix.is_empty() { relative.to_owned() } else { format!("{}/{relative}", self.prefix) }
    }

    /// The directory that was asked about.
    #[must_use]
    pub fn project(&self) -> PathBuf {
        // Joined with nothing, a path ends with a slash and is another one to whoever compares bytes.
        if self.prefix.is_empty() { self.top.clone() } else { self.top.join(&self.prefix) }
    }

    /// A git command about this repository, whatever the environment says.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new("git");
        // Messages are shown to people and never parsed; prompts would hang a command; a large file that is kept elsewhere
        // decides about nobody's access.
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0").env("GIT_LFS_SKIP_SMUDGE", "1");
        LOCAL_VARIABLES.iter().filter(|name| !name.contains("OBJECT")).for_each(|name| {
            command.env_remove(name);
        });
        command.current_dir(&self.top).arg("--git-dir").arg(&self.directory).arg("--work-tree").arg(&self.top);
        command
    }

    /// What a git command about this repository prints.
    pub(super) fn run(&self, arguments: &[&str]) -> Result<String, GitError> {
        succeed(self.output(arguments)?)
    }

    pub(super) fn output(&self, arguments: &[&str]) -> Result<Output, GitError> {
        self.command().args(arguments).output().map_err(GitError::Program)
    }

    /// One setting; nothing when it is not set.
    ///
    /// # Errors
    /// Git cannot be run.
    pub fn setting(&self, name: &str) -> Result<Option<String>, GitError> {
        let output = self.output(&["config", "--get", name])?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(Some(text).filter(|text| output.status.success() && !text.is_empty()))
    }

    /// Sets or removes one setting of this repository.
    ///
    /// # Errors
    /// Git cannot be run, or refuses.
    pub fn set(&self, name: &str, value: Option<&str>) -> Result<(), GitError> {
        match value {
            Some(value) => drop(self.run(&["config", "--local", name, value])?),
            // Exit code 5: it was not set.
            None => drop(self.output(&["config", "--local", "--unset-all", name])?),
        }
        Ok(())
    }

    /// The full name of the commit or tree that a revision means; nothing when there is none.
    ///
    /// # Errors
    /// Git cannot be run.
    pub fn object(&self, revision: &str) -> Result<Option<String>, GitError> {
        let output = self.output(&["rev-parse", "--verify", "--quiet", "--end-of-options", revision])?;
        let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(Some(name).filter(|name| output.status.success() && !name.is_empty()))
    }

    /// The tree of a commit; the empty tree when there is no such commit (before the first one).
    ///
    /// # Errors
    /// Git cannot be run.
    pub fn tree_or_empty(&self, revision: &str) -> Result<String, GitError> {
        match self.object(&format!("{revision}^{{tree}}"))? {
            Some(tree) => Ok(tree),
            None => Ok(self.run(&["hash-object", "-t", "tree", "/dev/null"])?.trim().to_owned()),
        }
    }

    /// The text of a file of a tree or commit; nothing when it has no such file.
    ///
    /// # Errors
    /// Git cannot be run, or the file is not text.
    pub fn text(&self, tree: &str, path: &str) -> Result<Option<FileAt>, GitError> {
        let output = self.output(&["cat-file", "blob", &format!("{tree}:{path}")])?;
        if !output.status.success() {
            return Ok(None);
        }
        let path = path.to_owned();
        match String::from_utf8(output.stdout) {
            Ok(text) => Ok(Some(FileAt { path, text })),
            Err(_) => Err(GitError::NotText(path)),
        }
    }

    /// All files of a tree.
    ///
    /// # Errors
    /// Git cannot be run, or refuses.
    pub fn files(&self, tree: &str) -> Result<Vec<String>, GitError> {
        let text = self.run(&["ls-tree", "-r", "-z", "--name-only", "--full-tree", tree])?;
        Ok(text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
    }

    /// The difference between two trees, in the form that [`crate::select::parse_diff`] reads.
    ///
    /// # Errors
    /// Git cannot be run, or refuses.
    pub fn difference(&self, before: &str, after: &str) -> Result<String, GitError> {
        let form = ["--no-color", "--no-renames", "--no-ext-diff", "--no-textconv", "-U0"];
        self.run(&[&["-c", "core.quotePath=false", "diff-tree", "-r", "-p"], &form[..], &[before, after]].concat())
    }
}
