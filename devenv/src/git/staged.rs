//! What is staged, and what lies beside it. The user's index, work tree and untracked files are only read: every question
//! that git would answer by writing is asked of a copy of the index in a temporary folder.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::{GitError, Repository};

/// A folder that is removed with all that is in it. Only this user may look into it.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes an empty folder below the system's temporary folder.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new() -> Result<Self, GitError> {
        use std::os::unix::fs::DirBuilderExt as _;
        let mut random = [0; 8];
        let base = std::env::temp_dir();
        let failed = |path: &Path, cause| GitError::File { path: path.to_path_buf(), cause };
        if aws_lc_rs::rand::fill(&mut random).is_err() {
            return Err(failed(&base, std::io::Error::other("no randomness")));
        }
        // Not predictable, and an existing folder (of somebody else) is an error: nobody can lay one out beforehand.
        let path = base.join(format!("devenv-{}", crate::plan::hex(&random)));
        fs::DirBuilder::new().mode(0o700).create(&path).map_err(|cause| failed(&path, cause))?;
        let path = path.canonicalize().map_err(|cause| failed(&path, cause))?;
        Ok(Self { path })
    }

    /// Where it is, absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::debug!(%error, "a temporary folder stays behind");
        }
    }
}

/// Files of the work tree that are not as they are staged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// Staged otherwise, or gone.
    pub changed: Vec<String>,
    /// Neither staged nor ignored.
    pub untracked: Vec<String>,
}

/// The index as it was at one moment.
#[derive(Debug)]
pub struct Staged {
    /// The tree that a commit of it would have.
    pub tree: String,
    index: PathBuf,
    scratch: Scratch,
}

impl Staged {
    /// Looks at the index.
    ///
    /// # Errors
    /// Git cannot be run, or the index holds a merge that is not resolved.
    pub fn of(repository: &Repository) -> Result<Self, GitError> {
        let scratch = Scratch::new()?;
        let index = scratch.path().join("index");
        if repository.index.is_file() {
            copy_with_time(&repository.index, &index)
                .map_err(|cause| GitError::File { path: repository.index.clone(), cause })?;
        }
        let output = repository.command().arg("write-tree").env("GIT_INDEX_FILE", &index).output();
        let tree = super::succeed(output.map_err(GitError::Program)?)?.trim().to_owned();
        Ok(Self { tree, index, scratch })
    }

    /// What lies in the work tree beside what is staged.
    ///
    /// # Errors
    /// Git cannot be run, or refuses.
    pub fn beside(&self, repository: &Repository) -> Result<Beside, GitError> {
        let form = ["--name-only", "--no-ext-diff", "--no-renames", "--no-relative", "-z"];
        let changed = paths(&self.ask(repository, &[&["diff"], &form[..]].concat())?);
        Ok(Beside { changed, untracked: self.untracked(repository)? })
    }

    fn untracked(&self, repository: &Repository) -> Result<Vec<String>, GitError> {
        Ok(paths(&self.ask(repository, &["ls-files", "--others", "--exclude-standard", "-z"])?))
    }

    /// What git says when the copy is its index.
    fn ask(&self, repository: &Repository, arguments: &[&str]) -> Result<String, GitError> {
        let output = repository.command().args(arguments).env("GIT_INDEX_FILE", &self.index).output();
        super::succeed(output.map_err(GitError::Program)?)
    }

    /// The difference between a revision and the work tree, staged or not, and the untracked files.
    ///
    /// # Errors
    /// Git cannot be run, or refuses.
    pub fn work_tree_difference(&self, repository: &Repository, base: &str) -> Result<(String, Vec<String>), GitError> {
        let form = ["--no-color", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-relative", "-U0"];
        let sides = ["--src-prefix=a/", "--dst-prefix=b/", "--inter-hunk-context=0", base, "--"];
        let text =
            self.ask(repository, &[&["-c", "core.quotePath=false", "diff", "-p"], &form[..], &sides[..]].concat())?;
        Ok((text, self.untracked(repository)?))
    }

    /// Writes files of a tree into a folder of this name below the temporary one, and says where. What `.gitattributes` leaves
    /// out of archives is there; large files that are kept elsewhere stay pointers.
    ///
    /// # Errors
    /// Git cannot be run, or refuses; the disk is full.
    pub fn export(
        &self,
        repository: &Repository,
        (tree, name): (&str, &str),
        wanted: &[&str],
    ) -> Result<PathBuf, GitError> {
        let (index, target) = (self.scratch.path().join(format!("{name}.index")), self.scratch.path().join(name));
        fs::create_dir_all(&target).map_err(|cause| GitError::File { path: target.clone(), cause })?;
        // Through an index of its own, so that the user's stays as it is.
        let output = repository.command().args(["read-tree", tree]).env("GIT_INDEX_FILE", &index).output();
        super::succeed(output.map_err(GitError::Program)?)?;
        let mut command = repository.command();
        command.args(["checkout-index", "--quiet", "-z", "--stdin"]).arg(format!("--prefix={}/", target.display()));
        command.env("GIT_INDEX_FILE", &index).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(GitError::Program)?;
        if let Some(mut stdin) = child.stdin.take() {
            let paths: String = wanted.iter().flat_map(|path| [*path, "\0"]).collect();
            stdin.write_all(paths.as_bytes()).map_err(GitError::Program)?;
        }
        super::succeed(child.wait_with_output().map_err(GitError::Program)?)?;
        Ok(target)
    }
}

fn paths(text: &str) -> Vec<String> {
    text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect()
}

/// With the time of the original: git takes a file that is as young as the index for possibly changed, and looks.
fn copy_with_time(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::copy(from, to)?;
    let modified = fs::metadata(from)?.modified()?;
    File::options().write(true).open(to)?.set_modified(modified)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn run(directory: &Path, arguments: &[&str]) -> String {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.test", "-c", "commit.gpgsign=false"];
        let output = Command::new("git").arg("-C").arg(directory).args(identity).args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A repository in which `a` is staged otherwise than it lies there, and `new` is not tracked.
    fn partly_staged() -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).unwrap();
        run(place.path(), &["init", "-q"]);
        std::fs::create_dir(place.path().join("sub dir")).unwrap();
        ["a", "sub dir/b"].iter().for_each(|name| write(name, "one\n"));
        write(".gitattributes", "sub* export-ignore\n");
        run(place.path(), &["add", "."]);
        run(place.path(), &["commit", "-qm", "one"]);
        write("a", "staged\n");
        run(place.path(), &["add", "a"]);
        write("a", "later\n");
        write("new", "n");
        place
    }

    #[test]
    fn what_is_staged_is_exported_and_index_and_work_tree_stay_as_they_are() {
        let place = partly_staged();
        let index = || {
            let path = place.path().join(".git/index");
            (fs::read(&path).unwrap(), fs::metadata(path).unwrap().modified().unwrap())
        };
        let before = index();
        let repository = Repository::open(&place.path().join("sub dir")).unwrap();
        assert_eq!(repository.prefix, "sub dir");
        let staged = Staged::of(&repository).unwrap();
        let export = |name: &str, files: &[&str]| staged.export(&repository, (&staged.tree, name), files).unwrap();
        let (whole, part) = (export("whole", &["a", "sub dir/b"]), export("part", &["sub dir/b"]));
        let read = |path: PathBuf| fs::read_to_string(path).unwrap();
        assert_eq!((read(whole.join("a")), read(whole.join("sub dir/b"))), ("staged\n".into(), "one\n".into()));
        assert_eq!(read(part.join("sub dir/b")), "one\n");
        assert!(!part.join("a").exists() && !whole.join("new").exists());
        let beside = Beside { changed: vec!["a".into()], untracked: vec!["new".into()] };
        assert_eq!(staged.beside(&repository).unwrap(), beside);
        assert_eq!(index(), before);
        assert_eq!(read(place.path().join("a")), "later\n");
        drop(staged);
        assert!(!whole.exists());
    }

    #[test]
    fn the_difference_of_trees_is_that_of_the_index_and_not_of_the_work_tree() {
        let place = partly_staged();
        let repository = Repository::open(place.path()).unwrap();
        let staged = Staged::of(&repository).unwrap();
        let head = repository.tree_or_empty("HEAD").unwrap();
        let text = repository.difference(&head, &staged.tree).unwrap();
        assert!(text.contains("+staged") && !text.contains("later"), "{text}");
        let (text, others) = staged.work_tree_difference(&repository, "HEAD").unwrap();
        assert!(text.contains("+later") && !text.contains("staged"), "{text}");
        assert_eq!(others, ["new"]);
    }

    #[test]
    fn before_the_first_commit_everything_is_new() {
        let place = tempfile::tempdir().unwrap();
        run(place.path(), &["init", "-q"]);
        let repository = Repository::open(place.path()).unwrap();
        let empty = repository.tree_or_empty("HEAD").unwrap();
        assert_eq!(Staged::of(&repository).unwrap().tree, empty);
        std::fs::write(place.path().join("a"), "1\n").unwrap();
        run(place.path(), &["add", "a"]);
        let staged = Staged::of(&repository).unwrap();
        assert!(repository.difference(&empty, &staged.tree).unwrap().contains("+1"));
    }
}
