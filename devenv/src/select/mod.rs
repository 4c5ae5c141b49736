//! What a change asks to be tested: nothing, some operations, or everything. Pure.
//!
//! Must not know git nor how tests are run. Errs on the side of everything: what is not understood is not skipped.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod diff;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use security_tests::Api;
use security_tests::api::Difference;

pub use diff::{FileDiff, Hunk, parse as parse_diff};

/// The files of a project that have a meaning for authorization, relative to the repository.
#[derive(Clone, Debug, Default)]
pub struct Landmarks {
    /// The manifest and what is laid over it, access rules, their lock.
    pub decisive: BTreeSet<String>,
    /// The folder of the policies, with a final slash.
    pub policies: Option<String>,
    /// The OpenAPI document.
    pub openapi: Option<String>,
}

/// A change of files.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// What differs.
    pub files: Vec<FileDiff>,
    /// The OpenAPI document before, when there was one.
    pub openapi_before: Option<String>,
    /// The OpenAPI document after.
    pub openapi_after: Option<String>,
}

/// What is to be tested, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Nothing that a caller could notice changed.
    Nothing(Vec<Reason>),
    /// These operations, by `operationId`.
    Operations(BTreeSet<String>, Vec<Reason>),
    /// All of them.
    Everything(Vec<Reason>),
}

impl Selection {
    /// Why, a line for each file.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Self::Nothing(reasons) | Self::Operations(_, reasons) | Self::Everything(reasons) => reasons,
        }
    }
}

/// What one file asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Path.
    pub file: String,
    /// One sentence.
    pub why: String,
    /// It asks for nothing.
    pub passed_over: bool,
}

/// What a change asks to be tested. `operations` are those of the API after the change.
#[must_use]
pub fn select(change: &Change, landmarks: &Landmarks, operations: &Api) -> Selection {
    let names = Names::of(operations);
    let mut reasons = Vec::new();
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    let mut everything = false;
    for file in &change.files {
        let (impact, why) = impact(file, change, (landmarks, &names));
        let passed_over = matches!(impact, Impact::Nothing);
        reasons.push(Reason { file: file.path.clone(), why, passed_over });
        match impact {
            Impact::Nothing => {}
            Impact::Operations(some) => wanted.extend(some),
            Impact::Everything => everything = true,
        }
    }
    match (everything, wanted.is_empty()) {
        (true, _) => Selection::Everything(reasons),
        (false, false) => Selection::Operations(wanted, reasons),
        (false, true) => Selection::Nothing(reasons),
    }
}

enum Impact {
    Nothing,
    Operations(BTreeSet<String>),
    Everything,
}

fn impact(file: &FileDiff, change: &Change, (landmarks, names): (&Landmarks, &Names)) -> (Impact, String) {
    let path = file.path.as_str();
    if landmarks.decisive.contains(path) {
        return (Impact::Everything, "says who may do what, or what runs".to_owned());
    }
    if landmarks.policies.as_ref().is_some_and(|folder| path.starts_with(folder.as_str())) {
        return (Impact::Everything, "is part of the policies".to_owned());
    }
    if landmarks.openapi.as_deref() == Some(path) {
        return of_document(change.openapi_before.as_deref(), change.openapi_after.as_deref());
    }
    if is_prose(path) {
        return (Impact::Nothing, "nothing in it runs".to_owned());
    }
    if let Some(word) = guard_word(path) {
        return (Impact::Everything, format!("`{word}` in its name: it may guard every operation"));
    }
    of_source(file, names)
}

/// Operations that the document describes otherwise than before.
fn of_document(before: Option<&str>, after: Option<&str>) -> (Impact, String) {
    let difference = before.zip(after).map(|(before, after)| Difference::between(before, after));
    let Some(Ok(Difference { operations, removed, everywhere })) = difference else {
        return (Impact::Everything, "the OpenAPI document is new, gone or cannot be read".to_owned());
    };
    if !everywhere.is_empty() {
        return (Impact::Everything, format!("the OpenAPI document changed `{}`", listed(&everywhere)));
    }
    if !removed.is_empty() {
        return (Impact::Everything, format!("{} left the OpenAPI document, and may still answer", listed(&removed)));
    }
    if operations.is_empty() {
        return (Impact::Nothing, "no operation of the OpenAPI document changed".to_owned());
    }
    let why = format!("the OpenAPI document changed {}", listed(&operations));
    (Impact::Operations(operations), why)
}

/// Each changed part of a source file names an operation, or the file may concern all of them.
fn of_source(file: &FileDiff, names: &Names) -> (Impact, String) {
    let mut found = BTreeSet::new();
    for hunk in &file.hunks {
        let some = names.in_hunk(hunk);
        if some.is_empty() {
            let place = if hunk.heading.is_empty() { format!("line {}", hunk.line) } else { hunk.heading.clone() };
            return (Impact::Everything, format!("`{place}` names no operation: it may concern all"));
        }
        found.extend(some);
    }
    if found.is_empty() {
        return (Impact::Everything, "what changed in it is not known".to_owned());
    }
    let why = format!("changed where it speaks of {}", listed(&found));
    (Impact::Operations(found), why)
}

/// Files that no build and no server reads.
fn is_prose(path: &str) -> bool {
    const ENDINGS: [&str; 14] = [
        ".md",
        ".markdown",
        ".rst",
        ".adoc",
        ".png",
        ".jpg",
        ".jpeg",
        ".gif",
        ".svg",
        ".webp",
        ".pdf",
        ".gitignore",
        ".gitattributes",
        ".editorconfig",
    ];
    const NAMES: [&str; 6] = ["license", "licence", "notice", "authors", "changelog", "codeowners"];
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    ENDINGS.iter().any(|ending| name.ends_with(ending))
        || (NAMES.contains(&stem) && !name.ends_with(".rs"))
        || lower.starts_with(".github/issue_template/")
}

/// A word of the path that says that the file decides about access.
fn guard_word(path: &str) -> Option<&'static str> {
    const WORDS: [&str; 16] = [
        "auth",
        "authn",
        "authz",
        "oauth",
        "oidc",
        "jwt",
        "guard",
        "guards",
        "middleware",
        "permission",
        "permissions",
        "policy",
        "policies",
        "security",
        "session",
        "token",
    ];
    let lower = path.to_ascii_lowercase();
    let mut parts = lower.split(|c: char| !c.is_ascii_alphanumeric());
    parts.find_map(|part| WORDS.iter().find(|word| **word == part).copied())
}

/// How operations are called in source text.
struct Names {
    /// Letters and digits of a name, lower case, to the operation.
    by_word: BTreeMap<String, String>,
    /// Path templates, with their parameters' names left out, to operations.
    by_path: BTreeMap<String, Vec<String>>,
}

impl Names {
    fn of(api: &Api) -> Self {
        let mut by_word = BTreeMap::new();
        let mut by_path: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for operation in &api.operations {
            by_word.insert(plain(&operation.id), operation.id.clone());
            by_path.entry(shape(&operation.path)).or_default().push(operation.id.clone());
        }
        Self { by_word, by_path }
    }

    fn in_hunk(&self, hunk: &Hunk) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for text in std::iter::once(&hunk.heading).chain(&hunk.lines) {
            let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            found
                .extend(words.filter(|word| word.len() > 2).filter_map(|word| self.by_word.get(&plain(word)).cloned()));
            let quoted = text.split(['"', '\'', '`']).skip(1).step_by(2);
            found.extend(quoted.filter_map(|text| self.by_path.get(&shape(text))).flatten().cloned());
        }
        found
    }
}

/// `readOrder`, `read_order` and `read-order` are one name.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// `/orders/{id}`, `/orders/:id` and `/orders/<int:id>` are one path.
fn shape(path: &str) -> String {
    let part = |part: &str| if part.starts_with(['{', ':', '<']) { "{}".to_owned() } else { part.to_owned() };
    path.trim_end_matches('/').split('/').map(part).collect::<Vec<_>>().join("/")
}

fn listed(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
