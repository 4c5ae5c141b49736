//! `authz.yaml`: text → access rules, in two steps, because the OpenAPI document that it names is read in between.
//!
//! Must not know how rules are tested. `$` has no meaning here except in the places that are filled into bodies.

mod body;
mod check;
mod grants;
mod login;
mod resolve;
mod rules;
mod session;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use security_tests::access::AccessRules;

use super::decode::Context;
use super::problem::{Loaded, Problems, SourceFile};
use super::report::Report;
use super::tree::{FileId, Node, Position};
use super::yaml;
pub use login::{SecretSource, SecretUse, Wanted};

/// Where the OpenAPI document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// A file, relative to the rules.
    File(PathBuf),
    /// Anywhere.
    Url(String),
    /// At this path of the API under test.
    OfApi(String),
}

impl std::fmt::Display for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Document::File(path) => write!(f, "{}", path.display()),
            Document::Url(url) => f.write_str(url),
            Document::OfApi(path) => f.write_str(path),
        }
    }
}

/// Access rules as they were written, not yet held against the operations of the API.
#[derive(Clone, Debug)]
pub struct AuthzFile {
    /// `api.openapi`: the document with the operations.
    pub openapi: Document,
    /// `personas`: who takes part, when no `devenv.yaml` says so.
    pub personas: BTreeMap<String, security_tests::target::Persona>,
    /// Secrets that are not in the file.
    pub wanted: Vec<Wanted>,
    /// `mutations:` how the API opens its deliberate flaws.
    pub mutations: Option<Mutations>,
    source: SourceFile,
    root: Arc<Node>,
    rules: AccessRules,
    /// Found so far; reported together with what `check` finds.
    problems: Problems,
}

/// An operation of the API, as rules may call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// `operationId`.
    pub id: String,
    /// `METHOD /path`.
    pub label: String,
}

/// Deliberate flaws of the API, which prove that the tests find what they look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutations {
    /// Service whose own program (`binary:`) lists the flaws; then `command` holds its arguments only.
    pub service: Option<String>,
    /// Program with arguments that prints the flaws as a JSON list, of names or of objects with a `name`.
    pub command: Vec<String>,
    /// Variable of `devenv.yaml` that opens the flaw whose name it holds.
    pub variable: String,
}

impl AuthzFile {
    /// A problem with the document that `api.openapi` names, told at that place, with all others of the file.
    pub fn openapi_problem(&self, message: impl Into<String>) -> Problems {
        self.problem_at(self.root.locate(&["api", "openapi"]), message)
    }

    /// A problem with a secret that is not in the file, told where the file speaks of it.
    pub fn secret_problem(&self, wanted: &Wanted, message: impl Into<String>) -> Problems {
        self.problem_at(wanted.position, message)
    }

    /// A problem with a section, told there.
    pub fn section_problem(&self, section: &str, message: impl Into<String>) -> Problems {
        self.problem_at(self.root.locate(&[section]), message)
    }

    fn problem_at(&self, position: Position, message: impl Into<String>) -> Problems {
        let mut report = Report::new(&self.source);
        report.error(position, message.into());
        self.problems.clone().merged(report.into_problems())
    }
}

/// Reads the file as far as it can be read alone. Other problems than a missing document wait for [`check`].
///
/// # Errors
/// All problems, when the file is not YAML or does not say where the OpenAPI document is.
pub fn parse(source: &SourceFile) -> Result<AuthzFile, Problems> {
    let variables = BTreeMap::new();
    let mut context = Context::new(source, &variables);
    let Some(root) = yaml::parse(&mut context.report, FileId::default(), None) else {
        return Err(context.report.into_problems());
    };
    let read = rules::read(&mut context, &root);
    let problems = context.report.into_problems();
    let Some(rules::Read { openapi, mutations, rules, personas, wanted }) = read else { return Err(problems) };
    Ok(AuthzFile { openapi, mutations, personas, wanted, source: source.clone(), root, rules, problems })
}

/// Reads the sections for their schema.
pub(super) fn read(context: &mut Context<'_>, root: &Node) {
    let _ = rules::read(context, root);
}

/// Holds the rules against the operations of the API and the roles and names of the personas.
///
/// # Errors
/// All problems of the file, warnings included, when one of them is an error.
pub fn check(file: &AuthzFile, operations: &[Named], cast: &Cast) -> Result<Loaded<AccessRules>, Problems> {
    let mut report = Report::new(&file.source);
    check::check(&mut report, file, operations, cast);
    let problems = file.problems.clone().merged(report.into_problems());
    if problems.has_errors() {
        return Err(problems);
    }
    Ok(Loaded { value: resolve::resolve(file.rules.clone(), operations), warnings: problems })
}

/// Who takes part: roles by name.
pub type Cast = BTreeMap<String, Vec<String>>;
