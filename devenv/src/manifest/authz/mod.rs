//! `authz.yaml`: text → access rules, in two steps, because the OpenAPI document that it names is read in between.
//!
//! Must not know how rules are tested. `$` has no meaning here except in `${canary}`.

mod check;
mod grants;
mod rules;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use security_tests::access::AccessRules;

use super::decode::Context;
use super::problem::{Loaded, Problems, SourceFile};
use super::report::Report;

use super::tree::{FileId, Node};
use super::{Persona, yaml};

/// Access rules as they were written, not yet held against the operations of the API.
#[derive(Clone, Debug)]
pub struct AuthzFile {
    /// `api.openapi`: the document with the operations, relative to the file.
    pub openapi: PathBuf,
    /// `mutations:` how the API opens its deliberate flaws.
    pub mutations: Option<Mutations>,
    source: SourceFile,
    root: Arc<Node>,
    rules: AccessRules,
    /// Found so far; reported together with what `check` finds.
    problems: Problems,
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
        let mut report = Report::new(&self.source);
        report.error(self.root.locate(&["api", "openapi"]), message.into());
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
    match read {
        Some((openapi, mutations, rules)) => {
            Ok(AuthzFile { openapi, mutations, source: source.clone(), root, rules, problems })
        }
        None => Err(problems),
    }
}

/// Holds the rules against the operations of the API and the personas of the stack.
///
/// # Errors
/// All problems of the file, warnings included, when one of them is an error.
pub fn check(
    file: &AuthzFile,
    operation_ids: &[String],
    personas: &BTreeMap<String, Persona>,
) -> Result<Loaded<AccessRules>, Problems> {
    let mut report = Report::new(&file.source);
    check::check(&mut report, file, operation_ids, personas);
    let problems = file.problems.clone().merged(report.into_problems());
    if problems.has_errors() {
        return Err(problems);
    }
    Ok(Loaded { value: file.rules.clone(), warnings: problems })
}
