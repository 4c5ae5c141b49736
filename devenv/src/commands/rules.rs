//! Reads what the tests are planned from: access rules, OpenAPI document, policies.

use std::path::{Path, PathBuf};

use security_tests::Api;
use security_tests::access::AccessRules;
use security_tests::lock::AccessLock;

use crate::commands::session::Session;
use crate::commands::{Failure, Message};
use crate::describe::CedarDecider;
use crate::event::{Event, Reporter};
use crate::exit::Exit;
use crate::manifest::{SourceFile, authz};
use crate::stack;

/// Everything that tests need of files.
pub(super) struct Rules {
    pub(super) api: Api,
    pub(super) access: AccessRules,
    pub(super) decider: Option<CedarDecider>,
    /// The recorded access matrix, when there is one.
    pub(super) lock: Option<AccessLock>,
    /// The OpenAPI document, relative to the project.
    pub(super) openapi: PathBuf,
    /// How the API opens its deliberate flaws, when it has some.
    pub(super) mutations: Option<authz::Mutations>,
}

/// Reads and checks the files that `tests:` and `iam.policies` name.
pub(super) fn load_rules(session: &Session, reporter: &Reporter) -> Result<Rules, Failure> {
    let Some(tests) = &session.manifest.tests else {
        return Err(Failure::with_help(
            Exit::Usage,
            "devenv.yaml names no access rules",
            "add `tests: authz.yaml` and write down who may do what (docs/checks.md)",
        ));
    };
    let text = read(&session.project.directory, tests)?;
    check_rules(session, &SourceFile { path: tests.clone(), text }, reporter)
}

/// The same for a text that is not in its file yet.
pub(super) fn check_rules(session: &Session, source: &SourceFile, reporter: &Reporter) -> Result<Rules, Failure> {
    let directory = &session.project.directory;
    let file = authz::parse(source)?;
    let document = std::fs::read_to_string(directory.join(&file.openapi))
        .map_err(|error| file.openapi_problem(format!("cannot read `{}`: {error}", file.openapi.display())))?;
    let api = Api::parse(&document)
        .map_err(|error| file.openapi_problem(format!("`{}` cannot be used: {error}", file.openapi.display())))?;
    let operations: Vec<String> = api.operation_ids().into_iter().map(Into::into).collect();
    let loaded = authz::check(&file, &operations, &session.manifest.identity.personas)?;
    for warning in loaded.warnings.iter() {
        let place = format!("{}:{}:{}", warning.file.display(), warning.line, warning.column);
        reporter.report(Event::Warning { message: format!("{place}: {}", warning.message) });
    }
    let (openapi, mutations) = (file.openapi, file.mutations);
    let lock = lock(&lock_path(session, &source.path))?;
    Ok(Rules { api, access: loaded.value, decider: decider(session)?, lock, openapi, mutations })
}

/// Where the access matrix is recorded: `authz.lock` beside `authz.yaml`.
pub(super) fn lock_path(session: &Session, rules: &Path) -> PathBuf {
    session.project.directory.join(rules).with_extension("lock")
}

fn lock(path: &Path) -> Result<Option<AccessLock>, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::new(Exit::Usage, format!("cannot read {}: {error}", path.display()))),
    };
    let lock = AccessLock::parse(&text).map_err(|error| {
        let help = "after a merge, keep both sides' lines; or take the file away and run `devenv test --accept`";
        Failure::with_help(Exit::Usage, format!("{}: {error}", path.display()), help)
    })?;
    Ok(Some(lock))
}

fn decider(session: &Session) -> Result<Option<CedarDecider>, Failure> {
    let Some(path) = session.manifest.iam.as_ref().and_then(|iam| iam.policies.as_ref()) else { return Ok(None) };
    let policies = stack::policies(&session.project, path)?;
    let decider = CedarDecider::new(&policies, &session.manifest.identity).map_err(|errors| Failure::Other {
        exit: Exit::Usage,
        messages: vec![Message { text: errors.to_string(), ..Message::default() }],
    })?;
    Ok(Some(decider))
}

fn read(directory: &Path, relative: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(directory.join(relative))
        .map_err(|error| Failure::new(Exit::Usage, format!("cannot read {}: {error}", relative.display())))
}
