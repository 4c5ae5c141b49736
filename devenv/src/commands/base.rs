//! What the tests compare with: OpenAPI document and source of an earlier commit. Must not know what is compared.

use std::path::{Path, PathBuf};

use security_tests::{Api, Base, guards};

use crate::commands::Failure;
use crate::event::{Event, Reporter};
use crate::exit::Exit;
use crate::git::{self, GitError, Repository};
use crate::select::FileDiff;

/// A larger file was not written by people.
const MAX_SOURCE: u64 = 1024 * 1024;

/// Reads the project as a commit has it. Nobody said which: as the last commit has it, and nothing where there is none.
///
/// `openapi`: the document, relative to the directory, when it is a file.
pub(super) fn base(
    (directory, openapi): (&Path, Option<&Path>),
    revision: Option<&str>,
    reporter: &Reporter,
) -> Result<Option<Base>, Failure> {
    match (read(directory, openapi, revision.unwrap_or("HEAD")), revision) {
        (Ok(base), _) => {
            for note in &base.notes {
                reporter.report(Event::Warning { message: note.clone() });
            }
            Ok(Some(base.base))
        }
        (Err(error), Some(_)) => Err(Failure::new(Exit::Usage, format!("cannot compare: {error}"))),
        (Err(error), None) => {
            tracing::debug!(%error, "nothing to compare with");
            Ok(None)
        }
    }
}

struct Read {
    base: Base,
    notes: Vec<String>,
}

fn read(directory: &Path, openapi: Option<&Path>, revision: &str) -> Result<Read, GitError> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let commit = git::commit(directory, revision)?;
    let mut edits = git::edits(directory, &commit)?;
    edits.retain(|edit| matters(&edit.now, openapi));
    let before = git::texts(directory, &commit, &edits.iter().map(|edit| edit.before.as_str()).collect::<Vec<_>>())?;
    Ok(compare((directory, openapi), revision, edits.into_iter().zip(before)))
}

/// What is staged and lies in a directory, compared with a tree.
pub(super) fn staged(
    (directory, openapi): (&Path, &Path),
    (repository, before): (&Repository, &str),
    changed: &[FileDiff],
) -> Base {
    let inside = |file: &FileDiff| Path::new(&file.path).strip_prefix(&repository.prefix).ok().map(Path::to_owned);
    let paths = changed.iter().filter_map(|file| Some((inside(file)?.to_str()?.to_owned(), &file.path)));
    let edits = paths.filter(|(now, _)| matters(now, Some(openapi)));
    let edits = edits.map(|(now, path)| {
        let text = repository.text(before, path).ok().flatten().map(|file| file.text);
        (git::Edit { before: now.clone(), now }, text)
    });
    compare((directory, Some(openapi)), "HEAD", edits).base
}

fn matters(path: &str, openapi: Option<&Path>) -> bool {
    is_document(path, openapi) || guards::is_source(path)
}

fn is_document(path: &str, openapi: Option<&Path>) -> bool {
    openapi.is_some_and(|openapi| clean(openapi) == Path::new(path))
}

/// Compares texts of then with the files in a directory; what was not there then is nothing to compare with.
fn compare(
    (directory, openapi): (&Path, Option<&Path>),
    revision: &str,
    edits: impl Iterator<Item = (git::Edit, Option<String>)>,
) -> Read {
    let mut notes = Vec::new();
    let mut base = Base { revision: revision.to_owned(), ..Base::default() };
    for (edit, before) in edits {
        let Some(before) = before else { continue };
        if is_document(&edit.now, openapi) {
            match Api::parse(&before) {
                Ok(api) => base.api = Some(api),
                Err(error) => notes.push(format!("`{}` of {revision} is not compared: {error}", edit.before)),
            }
        } else if let Some(now) = text(&directory.join(&edit.now)) {
            base.guards.extend(guards::removed(&edit.now, &before, &now));
        }
    }
    Read { base, notes }
}

/// Without `./`.
fn clean(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, std::path::Component::CurDir)).collect()
}

fn text(path: &Path) -> Option<String> {
    let small = std::fs::metadata(path).is_ok_and(|metadata| metadata.len() <= MAX_SOURCE);
    std::fs::read_to_string(path).ok().filter(|_| small)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn git(directory: &Path, arguments: &[&str]) {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.test", "-c", "commit.gpgsign=false"];
        let output = Command::new("git").arg("-C").arg(directory).args(identity).args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn document(security: &str) -> String {
        format!("openapi: 3.1.0\npaths: {{ /me: {{ get: {{ operationId: me, security: {security} }} }} }}\n")
    }

    /// A repository with a project in a subdirectory, committed, then edited.
    fn edited() -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        let project = place.path().join("project");
        let write = |name: &str, text: &str| std::fs::write(project.join(name), text).unwrap();
        std::fs::create_dir_all(project.join("src")).unwrap();
        git(place.path(), &["init", "-q"]);
        write("openapi.yaml", &document("[{ a: [] }]"));
        write(
            "src/old.py",
            "@login_required\ndef read():\n    return 'a text that is long enough to be known again'\n",
        );
        write("src/gone.py", "@login_required\ndef gone():\n    pass\n");
        write("src/same.py", "def same():\n    pass\n");
        git(place.path(), &["add", "."]);
        git(place.path(), &["commit", "-qm", "one"]);
        write("openapi.yaml", &document("[]"));
        write("src/new.py", "def read():\n    return 'a text that is long enough to be known again'\n");
        write("src/added.py", "def added():\n    pass\n");
        std::fs::remove_file(project.join("src/old.py")).unwrap();
        std::fs::remove_file(project.join("src/gone.py")).unwrap();
        git(place.path(), &["add", "."]);
        place
    }

    #[test]
    fn the_document_and_the_deleted_guards_are_those_of_the_revision() {
        let place = edited();
        let read = read(&place.path().join("project"), Some(Path::new("./openapi.yaml")), "HEAD").unwrap();
        let api = read.base.api.unwrap();
        assert_eq!(api.operation("me").unwrap().requirements.to_string(), "a");
        let guards: Vec<_> = read.base.guards.iter().map(|guard| format!("{}:{}", guard.place(), guard.line)).collect();
        assert_eq!(guards, ["src/new.py:read:1"]);
    }

    #[test]
    fn what_did_not_change_is_not_compared() {
        let place = edited();
        git(place.path(), &["commit", "-qm", "two"]);
        let read = read(&place.path().join("project"), Some(Path::new("openapi.yaml")), "HEAD").unwrap();
        assert_eq!((read.base.api, read.base.guards, read.notes), (None, vec![], vec![]));
    }

    #[test]
    fn a_document_that_could_not_be_read_then_is_told() {
        let place = tempfile::tempdir().unwrap();
        git(place.path(), &["init", "-q"]);
        std::fs::write(place.path().join("openapi.yaml"), "swagger: '2.0'\n").unwrap();
        git(place.path(), &["add", "."]);
        git(place.path(), &["commit", "-qm", "one"]);
        std::fs::write(place.path().join("openapi.yaml"), document("[]")).unwrap();
        let read = read(place.path(), Some(Path::new("openapi.yaml")), "HEAD").unwrap();
        assert_eq!(read.notes, ["`openapi.yaml` of HEAD is not compared: `openapi: null` is not 3.0 or 3.1"]);
    }

    #[test]
    fn no_repository_is_no_mistake_unless_a_revision_was_asked_for() {
        let place = tempfile::tempdir().unwrap();
        assert!(read(place.path(), None, "HEAD").is_err());
    }
}
