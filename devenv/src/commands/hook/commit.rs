//! Before a commit: what is staged, and not what lies beside it. Files are held against each other in a copy of what is
//! staged; requests are sent only when the API that answers is the staged one. Index and work tree are only read.

use std::time::{Duration, Instant, SystemTime};

use security_tests::verdict::Layer;
use security_tests::{Run, Verdict};

use super::candidate::{Candidate, Reading, read};
use super::report::Report;
use super::{budget, mode};
use crate::cli::{HookRun, Mode, StackArgs};
use crate::commands::Failure;
use crate::commands::interrupt::Interrupts;
use crate::commands::quiet::Quiet;
use crate::commands::rules::Rules;
use crate::commands::selection::absolute;
use crate::commands::test::{self, Live, WantedLive, live};
use crate::event::Reporter;
use crate::exit::Exit;
use crate::git::notes::{self, Note, Scope};
use crate::git::{Repository, Staged};
use crate::select::Selection;
use crate::stack;

pub(super) async fn run(args: &HookRun, mut interrupts: Interrupts) -> Result<Exit, Failure> {
    let job = Job::new(args)?;
    let mode = mode(args, &job.repository)?;
    let mut report = Report::new(args, mode);
    let quiet = Quiet::start(args.format);
    let result = check(&job, &mut report, (quiet.reporter(), &mut interrupts)).await;
    quiet.finish().await;
    match result {
        Ok(()) => {}
        Err(Failure::Interrupted) => return Err(Failure::Interrupted),
        // What the machine lacks says nothing about access.
        Err(failure) if failure.exit() == Exit::World || mode == Mode::Warn => {
            report.not_run("hook", &failure.render(false), Duration::ZERO);
            report.worsen(Verdict::Inconclusive);
        }
        Err(failure) => return Err(failure),
    }
    Ok(report.conclude())
}

/// One run of a hook.
pub(super) struct Job<'a> {
    pub(super) args: &'a HookRun,
    /// How long a commit may wait.
    budget: Duration,
    /// Of the work tree.
    pub(super) stack: StackArgs,
    pub(super) repository: Repository,
}

impl<'a> Job<'a> {
    /// Finds project and repository from wherever below them the hook was called.
    pub(super) fn new(args: &'a HookRun) -> Result<Self, Failure> {
        let start = absolute(&args.stack.dir)?;
        let dir = stack::locate(&start, &args.stack.file).map_or(start, |located| located.directory);
        let repository = Repository::open(&dir)?;
        Ok(Self {
            args,
            budget: budget(args, &repository)?,
            stack: StackArgs { dir, ..args.stack.clone() },
            repository,
        })
    }

    /// Whether a tree passed before, in this scope or a wider one.
    pub(super) fn is_verified(&self, tree: &str, wanted: &Scope) -> Result<bool, Failure> {
        let today = today();
        let asked = (self.repository.prefix.as_str(), env!("CARGO_PKG_VERSION"), today.as_str());
        Ok(notes::read(&self.repository, tree)?.is_some_and(|note| note.holds(wanted, asked)))
    }

    /// Remembers a tree that passed; nothing depends on it.
    pub(super) fn remember(&self, tree: &str, (scope, until): (Scope, Option<String>)) {
        let note = Note {
            version: notes::VERSION,
            verdict: "pass".to_owned(),
            scope,
            project: self.repository.prefix.clone(),
            devenv: env!("CARGO_PKG_VERSION").to_owned(),
            time: jiff::Timestamp::now().to_string(),
            until,
        };
        if let Err(error) = notes::write(&self.repository, tree, &note) {
            tracing::debug!(%error, "the tree is not remembered");
        }
    }
}

fn today() -> String {
    jiff::Timestamp::now().to_string().chars().take(10).collect()
}

async fn check(
    job: &Job<'_>,
    report: &mut Report,
    (reporter, interrupts): (&Reporter, &mut Interrupts),
) -> Result<(), Failure> {
    let begun = Instant::now();
    let staged = Staged::of(&job.repository)?;
    if job.is_verified(&staged.tree, &Scope::Everything)? {
        report.part("verified", "this very tree passed everything before", begun.elapsed());
        return Ok(());
    }
    let head = job.repository.tree_or_empty("HEAD")?;
    let (candidate, rules) = match read((&job.repository, staged, &head), &job.stack, reporter)? {
        Reading::Ready(candidate, rules) => (*candidate, *rules),
        Reading::Nothing(why) => {
            report.part("select", &format!("nothing: {why}"), begun.elapsed());
            return Ok(());
        }
        Reading::Broken(text) => {
            report.broken(text);
            return Ok(());
        }
    };
    report.selected(&candidate.selection, begun.elapsed());
    let wanted = match &candidate.selection {
        Selection::Nothing(_) => return Ok(()),
        Selection::Operations(names, _) => Scope::Operations(names.iter().cloned().collect()),
        Selection::Everything(_) => Scope::Everything,
    };
    let begun = Instant::now();
    if job.is_verified(&candidate.staged.tree, &wanted)? {
        report.part("verified", &format!("this very tree passed before: {wanted}"), begun.elapsed());
        return Ok(());
    }
    test_both(job, (&candidate, rules), (report, wanted), (reporter, interrupts)).await
}

/// Files, then requests; what passed is remembered.
async fn test_both(
    job: &Job<'_>,
    (candidate, rules): (&Candidate, Rules),
    (report, wanted): (&mut Report, Scope),
    (reporter, interrupts): (&Reporter, &mut Interrupts),
) -> Result<(), Failure> {
    let begun = Instant::now();
    let session = &candidate.session;
    let files = test::file_layers(session, rules, (&[Layer::Static, Layer::Policy], reporter)).await?;
    report.run("files", &files, begun.elapsed());
    let begun = Instant::now();
    let ran = match requests(job, candidate, (&wanted, report.elapsed()), (reporter, interrupts)).await? {
        Live::NotRun(reason) => {
            report.not_run("stack", &reason, begun.elapsed());
            None
        }
        Live::Ran { run, build, replace, tests } => {
            report.part("build", "what the API is made from", build);
            report.part("replace", "what changed in the stack", replace);
            report.run("stack", &run, tests);
            Some(run)
        }
    };
    keep_for_replay(candidate, &files, ran.as_deref());
    let still_staged = ran.is_none() || candidate.unlike(&job.repository)?.is_empty();
    if !still_staged {
        report.not_run("stack", "files changed while the tests ran", begun.elapsed());
        report.worsen(Verdict::Inconclusive);
    }
    let scope = match &ran {
        Some(run) if run.verdict() == Verdict::Pass && still_staged => wanted,
        Some(_) | None => Scope::Files,
    };
    if report.verdict() != Verdict::Fail && files.verdict() == Verdict::Pass {
        job.remember(&candidate.staged.tree, (scope, candidate.until.clone()));
    }
    Ok(())
}

/// Requests to the stack that is up, when its API is the staged one.
async fn requests(
    job: &Job<'_>,
    candidate: &Candidate,
    (wanted, spent): (&Scope, Duration),
    (reporter, interrupts): (&Reporter, &mut Interrupts),
) -> Result<Live, Failure> {
    if stack::Record::read(&candidate.session.project).is_none() {
        return Ok(Live::NotRun(test::NO_STACK.to_owned()));
    }
    let unlike = candidate.unlike(&job.repository)?;
    if let [first, rest @ ..] = unlike.as_slice() {
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        let why =
            format!("{first}{more} is here otherwise than it is staged, so the API here is not the one of the commit");
        return Ok(Live::NotRun(why));
    }
    let (source, policies) = candidate.written(&job.repository);
    let operations = if let Scope::Operations(names) = wanted { names.clone() } else { Vec::new() };
    let wanted = WantedLive {
        command: "hook run pre-commit",
        operations,
        budget: Some((job.budget, spent)),
        source: source.map_or(0, seconds),
        policies,
    };
    live(&job.stack, wanted, (reporter, interrupts)).await
}

/// What failed can be looked at again with `devenv test replay`.
fn keep_for_replay(candidate: &Candidate, files: &Run, ran: Option<&Run>) {
    let failed = ran.filter(|run| run.verdict() == Verdict::Fail);
    test::remember(&candidate.session.project, failed.unwrap_or(files));
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
