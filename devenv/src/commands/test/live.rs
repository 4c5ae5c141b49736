//! Tests on the stack that is up, with programs built from the work tree: before a commit, and while somebody works. Starts
//! no stack and leaves it up. Must not know reports.

use std::time::{Duration, Instant};

use security_tests::verdict::Layer;
use security_tests::{Options, Run};

use super::stack::{plan, run_or_restore, target, tokens};
use crate::cli::StackArgs;
use crate::commands::interrupt::Interrupts;
use crate::commands::rules::load_rules;
use crate::commands::session::{Prepared, Session};
use crate::commands::{Failure, running};
use crate::engine::reconcile::Goal;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::plan::{PlannedService, Role, Source};
use crate::stack::{Depth, Lock, LockError, Record};

/// How long the IAM may need to see an edit of a policy: it looks every 150 ms, and twice.
const POLICIES_SEEN: Duration = Duration::from_millis(600);

/// Why nothing was asked of a stack.
pub(in crate::commands) const NO_STACK: &str = "no stack is up; `devenv up -d` starts one";

/// What is wanted.
pub(in crate::commands) struct Wanted<'a> {
    /// The command, for whoever comes second.
    pub(in crate::commands) command: &'a str,
    /// These; none: all.
    pub(in crate::commands) operations: Vec<String>,
    /// How long everything may take but building, and how much of that is spent.
    pub(in crate::commands) budget: Option<(Duration, Duration)>,
    /// When source that a process runs was last written, in seconds since the epoch: an older one is started again.
    pub(in crate::commands) source: i64,
    /// When a policy was last written.
    pub(in crate::commands) policies: Option<std::time::SystemTime>,
}

/// A run on the stack, or why there was none.
pub(in crate::commands) enum Live {
    Ran {
        run: Box<Run>,
        /// Building what changed.
        build: Duration,
        /// Replacing what changed.
        replace: Duration,
        /// Everything after that.
        tests: Duration,
    },
    NotRun(String),
}

/// Tests on the stack of a work tree, when it is up.
pub(in crate::commands) async fn live(
    args: &StackArgs,
    wanted: Wanted<'_>,
    (reporter, interrupts): (&Reporter, &mut Interrupts),
) -> Result<Live, Failure> {
    let session = Session::open(args, reporter)?;
    // The record is written before anything starts: without it there is nothing to ask an engine about.
    if Record::read(&session.project).is_none() {
        return Ok(Live::NotRun(NO_STACK.to_owned()));
    }
    let _lock = match Lock::take(&session.project, wanted.command) {
        Ok(lock) => lock,
        Err(error @ LockError::Held { .. }) => return Ok(Live::NotRun(error.to_string())),
        Err(error) => return Err(error.into()),
    };
    match on_stack(&session, &wanted, (reporter, interrupts)).await {
        // What the machine lacks, or a program that does not build, says nothing about access.
        Err(failure @ Failure::Other { exit: Exit::World, .. }) => Ok(Live::NotRun(failure.render(false))),
        other => other,
    }
}

async fn on_stack(
    session: &Session,
    wanted: &Wanted<'_>,
    (reporter, interrupts): (&Reporter, &mut Interrupts),
) -> Result<Live, Failure> {
    let existing = session.existing(reporter).await?;
    if !running::is_up(&existing.engine.observe(&session.project).await?) {
        return Ok(Live::NotRun("the stack is stopped; `devenv up -d` starts it".to_owned()));
    }
    let begun = Instant::now();
    let prepared = tokio::select! {
        prepared = session.prepare(Depth::Full, reporter) => prepared?,
        () = interrupts.next() => return Err(Failure::Interrupted),
    };
    let build = begun.elapsed();
    let begun = Instant::now();
    let service = running::service_under_test(&prepared, None)?;
    tokio::select! {
        replaced = replace(session, (&prepared, service), wanted, reporter) => replaced?,
        () = interrupts.next() => return Err(Failure::Interrupted),
    }
    let replace = begun.elapsed();
    let begun = Instant::now();
    let base_url = running::url_of(service)
        .ok_or_else(|| Failure::new(Exit::Usage, format!("service `{}` has no port on this machine", service.name)))?;
    let target = target(session, load_rules(session, reporter)?, (base_url, tokens(session)));
    let mut options = options(wanted, replace);
    // Layers that are named must run: those that cannot run here are not named, and files were looked at before.
    let possible = plan(&target, &options)?.layers.into_iter().filter(|layer| layer.skipped.is_none());
    let files = [Layer::Static, Layer::Policy];
    options.layers = possible.map(|layer| layer.layer).filter(|layer| !files.contains(layer)).collect();
    if options.layers.is_empty() {
        return Ok(Live::NotRun("no layer that needs a stack can run on this one".to_owned()));
    }
    let plan = plan(&target, &options)?;
    let run = run_or_restore((&plan, &target), (reporter, interrupts)).await?;
    Ok(Live::Ran { run: Box::new(run), build, replace, tests: begun.elapsed() })
}

fn options(wanted: &Wanted<'_>, replace: Duration) -> Options {
    // However slow the rest was: a run without requests would say nothing.
    let left = |(budget, spent): (Duration, Duration)| budget.saturating_sub(spent + replace).max(budget / 4);
    let now = jiff::Timestamp::now();
    Options {
        operations: wanted.operations.clone(),
        seed: now.as_microsecond().unsigned_abs(),
        started_at: now.to_string(),
        budget: wanted.budget.map(left),
        ..Options::default()
    }
}

/// Replaces what is made from other content than before: only the service under test and what it needs, because somebody
/// may have brought up more than this command knows of. A process that is older than its source starts again.
async fn replace(
    session: &Session,
    (prepared, service): (&Prepared, &PlannedService),
    wanted: &Wanted<'_>,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let only = std::collections::BTreeSet::from([service.name.clone()]);
    running::bring_up(session, prepared, only.clone(), reporter).await?;
    let observed = prepared.engine.observe(&session.project).await?;
    let started = observed.services.get(&service.name).map(|service| service.started_at);
    let from_source = service.role == Role::User && service.source == Source::Process;
    if from_source && started.is_some_and(|started| started <= wanted.source) {
        running::take_down(session, prepared, &Goal::Restart { only: only.clone() }, reporter).await?;
        running::bring_up(session, prepared, only, reporter).await?;
    }
    let age = wanted.policies.and_then(|written| written.elapsed().ok());
    if let Some(left) = age.and_then(|age| POLICIES_SEEN.checked_sub(age)) {
        tokio::time::sleep(left).await;
    }
    Ok(())
}
