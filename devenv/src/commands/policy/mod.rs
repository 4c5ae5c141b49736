//! `devenv policy`: what the policies mean, without a stack: mistakes, expectations, coverage, differences, usage.

mod check;
mod coverage;
mod diff;
mod test;
mod usage;

use std::path::{Path, PathBuf};

use mock_iam::config::{Policies, SourceFile};
use mock_iam::directory::Directory;
use mock_iam::policy::analysis::{Examples, TestFile};
use mock_iam::policy::{Engine, PolicyErrors};

use crate::cli::{Policy, PolicyCommand, StackArgs};
use crate::commands::session::Session;
use crate::commands::{Failure, Message};
use crate::describe::seeded_directory;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::stack;

/// Name of the file of expectations, beside the policies.
const TESTS: &str = "tests.yaml";

pub(super) async fn run(args: Policy) -> Result<Exit, Failure> {
    match args.command {
        PolicyCommand::Check(args) => check::run(&args),
        PolicyCommand::Test(args) => test::run(&args).await,
        PolicyCommand::Coverage(args) => coverage::run(&args),
        PolicyCommand::Diff(args) => diff::run(&args),
        PolicyCommand::Usage(args) => usage::run(&args).await,
    }
}

/// Policies with the world that they are asked about.
pub(super) struct World {
    pub(super) session: Session,
    /// Directory of the policies, relative to the project.
    pub(super) folder: PathBuf,
    pub(super) engine: Engine,
    pub(super) directory: Directory,
    pub(super) tests: TestFile,
    pub(super) examples: Examples,
}

impl World {
    /// Loads policies, people and examples of a project.
    pub(super) fn load(args: &StackArgs, reporter: &Reporter) -> Result<Self, Failure> {
        let session = Session::open(args, reporter)?;
        let folder = folder(&session)?;
        let policies = stack::policies(&session.project, &folder)?;
        let engine = Engine::new(&policies).map_err(|errors| wrong(&errors))?;
        let tests = tests(&session, &folder)?;
        let examples = tests.examples(&session.project.name);
        let directory = seeded_directory(&session.manifest.identity);
        Ok(Self { session, folder, engine, directory, tests, examples })
    }
}

/// The directory that `iam.policies` names.
fn folder(session: &Session) -> Result<PathBuf, Failure> {
    let folder = session.manifest.iam.as_ref().and_then(|iam| iam.policies.clone());
    folder.ok_or_else(|| {
        Failure::with_help(
            Exit::Usage,
            "devenv.yaml names no policies",
            "add `iam: { policies: policies/ }` and write down who may do what (docs/policies.md)",
        )
    })
}

/// Mistakes in policies, each a message of its own.
pub(super) fn wrong(errors: &PolicyErrors) -> Failure {
    let message = |problem: &mock_iam::policy::PolicyProblem| Message {
        text: problem.to_string(),
        help: problem.help.clone(),
        log: vec![],
    };
    Failure::Other { exit: Exit::Usage, messages: errors.0.iter().map(message).collect() }
}

/// The expectations beside the policies; none when there is no such file.
fn tests(session: &Session, folder: &Path) -> Result<TestFile, Failure> {
    let relative = folder.join(TESTS);
    let text = match std::fs::read_to_string(session.project.directory.join(&relative)) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(TestFile::default()),
        Err(error) => return Err(Failure::new(Exit::Usage, format!("cannot read {}: {error}", relative.display()))),
    };
    serde_saphyr::from_str(&text).map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", relative.display())))
}

/// The policies of a git revision.
fn policies_at(session: &Session, revision: &str, folder: &Path) -> Result<Policies, Failure> {
    let files = crate::git::files(&session.project.directory, revision, folder, &[".cedar", ".cedarschema"])
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    if files.is_empty() {
        let text = format!("`{revision}` has no policies in {}", folder.display());
        return Err(Failure::with_help(Exit::Usage, text, "name a revision in which they were committed"));
    }
    let mut policies = Policies::default();
    for file in files {
        let source = SourceFile { name: format!("{revision}:{}", file.path), text: file.text };
        if file.path.ends_with(".cedar") { policies.files.push(source) } else { policies.schema = Some(source) }
    }
    Ok(policies)
}

/// `left_out` as notes for people.
fn left_out(world: &std::collections::BTreeMap<String, String>) -> Vec<String> {
    let note = |(kind, reason): (&String, &String)| {
        format!("note: no `{kind}` was made up, because {reason}; name one under `resources:` of {TESTS}")
    };
    world.iter().map(note).collect()
}
