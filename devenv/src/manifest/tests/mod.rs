//! Text in, text out: what a file means, and what is said about a wrong one.

mod access;
mod compose;
mod examples;
mod hostile;
mod login;
mod mistakes;
mod rendering;
mod traps;
mod variables;
mod whole;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Loaded, Manifest, NoFiles, Problems, Service, SourceFile, Sources};

/// A file that stands alone.
fn load(file: &SourceFile, variables: &BTreeMap<String, String>) -> Result<Loaded<Manifest>, Problems> {
    super::load(&Sources { file, overrides: &[], files: &NoFiles, variables })
}

fn source(text: &str) -> SourceFile {
    SourceFile { path: PathBuf::from("devenv.yaml"), text: text.to_owned() }
}

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The manifest of a file without mistakes and without warnings.
fn loaded(text: &str) -> Manifest {
    let loaded = load(&source(text), &variables(&[])).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(listed(&loaded.warnings), "", "warnings");
    loaded.value
}

/// The one service of a file that has nothing else, written as the body of `a:`.
fn service(body: &str) -> Service {
    let indented: String = body.lines().map(|line| format!("    {line}\n")).collect();
    let text = format!("services:\n  a:\n    image: x\n{indented}volumes: {{data: }}\nsecrets: {{key: {{file: k}}}}\n");
    loaded(&text).services.remove("a").unwrap()
}

/// What is said about a file, one line for each problem.
fn said(text: &str) -> String {
    match load(&source(text), &variables(&[])) {
        Ok(loaded) => listed(&loaded.warnings),
        Err(problems) => listed(&problems),
    }
}

fn listed(problems: &Problems) -> String {
    let line = |problem: &super::Problem| {
        let help = problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        let kind = problem.severity.name();
        format!("{}:{}+{} {kind}: {}{help}\n", problem.line, problem.column, problem.length, problem.message)
    };
    problems.iter().map(line).collect()
}
