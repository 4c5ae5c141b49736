//! Trees that were verified, as git notes in a reference of their own: they travel with the repository when the team wants
//! that, and are gone with it. Must not know how a tree is verified.

use std::io::Write as _;
use std::process::Stdio;

use serde::{Deserialize, Serialize};

use super::{GitError, Repository};

/// Where the notes are.
pub const REFERENCE: &str = "refs/notes/devenv";

/// What was verified of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Version of this form.
    pub version: u32,
    /// `pass`: nothing else is remembered.
    pub verdict: String,
    /// How much of it was tested.
    pub scope: Scope,
    /// Of which project in the repository, by its directory.
    #[serde(default)]
    pub project: String,
    /// The `devenv` that did it: another one may know more.
    pub devenv: String,
    /// When, RFC 3339.
    pub time: String,
    /// The last day on which it holds, because a waiver ends then (`YYYY-MM-DD`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// How much of a tree was tested, from little to much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Files only.
    Files,
    /// Files, and these operations on a stack.
    Operations(Vec<String>),
    /// All.
    Everything,
}

impl Scope {
    /// Whether who has this needs no more for `wanted`.
    #[must_use]
    pub fn covers(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Everything, _) | (_, Self::Files) => true,
            (Self::Operations(have), Self::Operations(wanted)) => wanted.iter().all(|name| have.contains(name)),
            (Self::Files | Self::Operations(_), Self::Everything) | (Self::Files, Self::Operations(_)) => false,
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Files => f.write_str("files"),
            Self::Operations(names) => write!(f, "files and {}", names.join(", ")),
            Self::Everything => f.write_str("everything"),
        }
    }
}

/// The version of [`Note`] that is written and understood.
pub const VERSION: u32 = 1;

impl Note {
    /// Whether the note still says what is wanted, to this `devenv`, about this project, on this day (`YYYY-MM-DD`).
    #[must_use]
    pub fn holds(&self, wanted: &Scope, (project, devenv, today): (&str, &str, &str)) -> bool {
        self.version == VERSION
            && self.verdict == "pass"
            && self.project == project
            && self.devenv == devenv
            && self.until.as_deref().is_none_or(|until| today <= until)
            && self.scope.covers(wanted)
    }
}

/// The note of a tree; one that cannot be read counts as none.
///
/// # Errors
/// Git cannot be run.
pub fn read(repository: &Repository, tree: &str) -> Result<Option<Note>, GitError> {
    let output = repository.output(&["notes", "--ref", REFERENCE, "show", tree])?;
    Ok(if output.status.success() { serde_json::from_slice(&output.stdout).ok() } else { None })
}

/// Writes the note of a tree over the one before.
///
/// # Errors
/// Git cannot be run, or refuses, e.g. because another one writes notes at this moment.
pub fn write(repository: &Repository, tree: &str, note: &Note) -> Result<(), GitError> {
    let mut command = repository.command();
    // Notes are commits; who has told git no name must be able to have them, too.
    for name in ["GIT_AUTHOR", "GIT_COMMITTER"] {
        command.env(format!("{name}_NAME"), "devenv").env(format!("{name}_EMAIL"), "devenv@localhost");
    }
    command.args(["-c", "commit.gpgsign=false", "notes", "--ref", REFERENCE, "add", "-f", "-F", "-", tree]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(GitError::Program)?;
    let text = serde_json::to_string(note).unwrap_or_default();
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes()).map_err(GitError::Program)?;
    }
    super::succeed(child.wait_with_output().map_err(GitError::Program)?).map(drop)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn note(scope: Scope) -> Note {
        Note {
            version: VERSION,
            verdict: "pass".into(),
            scope,
            project: "api".into(),
            devenv: "1".into(),
            time: "2026-01-01T00:00:00Z".into(),
            until: Some("2026-01-31".into()),
        }
    }

    #[test]
    fn a_note_is_read_as_it_was_written_and_replaced() {
        let place = tempfile::tempdir().unwrap();
        assert!(Command::new("git").arg("-C").arg(place.path()).args(["init", "-q"]).status().unwrap().success());
        let repository = Repository::open(place.path()).unwrap();
        let tree = super::super::Staged::of(&repository).unwrap().tree;
        assert_eq!(read(&repository, &tree).unwrap(), None);
        for scope in [Scope::Files, Scope::Operations(vec!["readOrder".into()]), Scope::Everything] {
            write(&repository, &tree, &note(scope.clone())).unwrap();
            assert_eq!(read(&repository, &tree).unwrap(), Some(note(scope)));
        }
    }

    #[test]
    fn a_note_holds_for_what_was_tested_until_a_waiver_ends() {
        let some = |names: &[&str]| Scope::Operations(names.iter().map(|name| (*name).to_owned()).collect());
        let holds = |have: Scope, wanted: Scope| note(have).holds(&wanted, ("api", "1", "2026-01-31"));
        assert!(holds(Scope::Everything, some(&["a"])) && holds(some(&["a", "b"]), some(&["a"])));
        assert!(holds(Scope::Files, Scope::Files) && holds(some(&["a"]), Scope::Files));
        assert!(!holds(some(&["a"]), Scope::Everything) && !holds(some(&["a"]), some(&["a", "c"])));
        assert!(!holds(Scope::Files, some(&["a"])));
        let other = [("web", "1", "2026-01-31"), ("api", "2", "2026-01-31"), ("api", "1", "2026-02-01")];
        assert!(other.iter().all(|asked| !note(Scope::Everything).holds(&Scope::Files, *asked)));
    }
}
