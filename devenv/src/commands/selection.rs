//! What a change asks for: the files of a project that mean something, and the answer for people and programs. Must not know
//! where the change comes from.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use security_tests::Api;
use serde_json::{Value, json};

use crate::commands::Failure;
use crate::commands::rules::{Rules, lock_path};
use crate::commands::session::Session;
use crate::exit::Exit;
use crate::git::{GitError, Repository};
use crate::manifest::normalized;
use crate::select::{Change, FileDiff, Landmarks, Selection, select};

/// More reasons than that are counted.
const MOST_REASONS: usize = 6;

/// The files of a project that mean something, as the repository knows them.
pub(super) fn landmarks(repository: &Repository, session: &Session, rules: &Rules) -> Landmarks {
    let directory = &session.project.directory;
    let inside = |path: &Path| {
        let relative = path.strip_prefix(directory).unwrap_or(path);
        let path = normalized(&Path::new(&repository.prefix).join(relative));
        path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
    };
    let mut decisive: BTreeSet<String> = session.files.iter().map(|file| inside(file)).collect();
    decisive.extend([".env", "devenv.lock"].map(|name| inside(Path::new(name))));
    if let Some(tests) = &session.manifest.tests {
        decisive.extend([inside(tests), inside(&lock_path(session, tests))]);
    }
    let policies = session.manifest.iam.as_ref().and_then(|iam| iam.policies.as_ref());
    Landmarks {
        decisive,
        policies: policies.map(|folder| format!("{}/", inside(folder))),
        openapi: Some(inside(&rules.openapi)),
    }
}

/// What changed files ask for; `before` is the revision or tree that they are compared with.
pub(super) fn selection(
    repository: &Repository,
    (files, before): (Vec<FileDiff>, &str),
    (session, rules, landmarks): (&Session, &Rules, &Landmarks),
) -> Result<Selection, Failure> {
    let document = landmarks.openapi.as_deref().filter(|path| files.iter().any(|file| file.path == *path));
    let mut change = Change { files, ..Change::default() };
    if let Some(path) = document {
        change.openapi_before = repository.text(before, path)?.map(|file| file.text);
        change.openapi_after = std::fs::read_to_string(session.project.directory.join(&rules.openapi)).ok();
    }
    Ok(select(&change, landmarks, &rules.api))
}

/// Those of some paths that could make a difference for a caller.
pub(super) fn that_matter(paths: Vec<String>, (landmarks, api): (&Landmarks, &Api)) -> Vec<String> {
    let matters = |path: &String| {
        let file = FileDiff { path: path.clone(), hunks: Vec::new() };
        let change = Change { files: vec![file], ..Change::default() };
        !matches!(select(&change, landmarks, api), Selection::Nothing(_))
    };
    paths.into_iter().filter(matters).collect()
}

/// What is tested, in a few words.
pub(super) fn title(selection: &Selection) -> String {
    match selection {
        Selection::Nothing(reasons) if reasons.is_empty() => "nothing: nothing changed".to_owned(),
        Selection::Nothing(_) => "nothing".to_owned(),
        Selection::Everything(_) => "everything".to_owned(),
        Selection::Operations(names, _) => names.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
    }
}

/// A line for each file, those first that ask for most.
pub(super) fn reasons(selection: &Selection) -> Vec<String> {
    let mut all: Vec<_> = selection.reasons().iter().collect();
    // What is passed over explains nothing as long as something else is not.
    all.sort_by_key(|reason| reason.passed_over);
    let mut lines: Vec<String> =
        all.iter().take(MOST_REASONS).map(|reason| format!("{}: {}", reason.file, reason.why)).collect();
    if all.len() > MOST_REASONS {
        lines.push(format!("… and {} files more", all.len() - MOST_REASONS));
    }
    lines
}

/// The same for programs.
pub(super) fn to_json(selection: &Selection) -> Value {
    let (what, operations) = match selection {
        Selection::Nothing(_) => ("nothing", json!([])),
        Selection::Operations(names, _) => ("operations", json!(names)),
        Selection::Everything(_) => ("everything", Value::Null),
    };
    let reasons: Vec<Value> =
        selection.reasons().iter().map(|reason| json!({ "file": reason.file, "why": reason.why })).collect();
    json!({ "selected": what, "operations": operations, "reasons": reasons })
}

/// Absolute, so that files which belong to the project can be told from others.
pub(super) fn absolute(directory: &Path) -> Result<PathBuf, Failure> {
    directory
        .canonicalize()
        .map_err(|error| Failure::new(Exit::Usage, format!("cannot use {}: {error}", directory.display())))
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        let exit = match error {
            GitError::Revision { .. } | GitError::NotText(_) => Exit::Usage,
            GitError::Program(_) | GitError::Refused(_) | GitError::File { .. } => Exit::World,
        };
        Self::new(exit, error.to_string())
    }
}
