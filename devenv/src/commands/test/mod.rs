//! `devenv test`: brings the stack up when it is not, runs the layers, shows matrix and findings, and takes down what it
//! started.

mod accept;
mod changed;
mod ci;
mod draft;
mod edit;
mod exported;
mod init;
mod live;
mod merge;
mod mutations;
mod options;
mod pin;
mod replay;
mod reports;
mod stack;
mod waive;
mod watch;

use std::path::{Path, PathBuf};

use security_tests::verdict::Layer;
use security_tests::{Options, Run, Verdict, report};

use crate::cli::{Format, StackArgs, Test, TestAction};
use crate::commands::interrupt::Interrupts;
use crate::commands::rules::{Rules, load_rules};
use crate::commands::session::Session;
use crate::commands::{Failure, base, running, target as foreign};
use crate::event::Reporter;
use crate::exit::Exit;
use crate::select::Selection;
use crate::stack::Depth;
use crate::ui::{self, Ui};
pub(super) use live::{Live, NO_STACK, Wanted as WantedLive, live};
use options::{again, needs_stack, options, rows};
use reports::{Wanted, planned, project_of, reports, source, write};
pub(super) use reports::{remember, terminal};
use stack::{clean_up, on_stack, plan, run_layers, target, tokens};

pub(super) async fn run(args: Test, interrupts: Interrupts) -> Result<Exit, Failure> {
    match args.action {
        None if args.watch => watch::run(&args, interrupts).await,
        None => run_tests(&args, interrupts).await,
        Some(TestAction::Replay(args)) => replay::run(args, interrupts).await,
        Some(TestAction::Init(args)) => init::run(&args).await,
        Some(TestAction::Waive(args)) => waive::run(&args).await,
        Some(TestAction::Pin(args)) => pin::run(&args).await,
        Some(TestAction::Unpin(args)) => pin::take_out(&args).await,
        Some(TestAction::Merge(args)) => merge::run(&args),
        Some(TestAction::Mutations(args)) => mutations::run(args, interrupts).await,
    }
}

async fn run_tests(args: &Test, interrupts: Interrupts) -> Result<Exit, Failure> {
    let host = ci::Host::here().filter(|_| !args.plan);
    let folded = host.as_ref().filter(|_| args.format == Format::Text);
    folded.inspect(|host| host.open());
    let ui = Ui::start(args.format);
    let mut selection = None;
    let result = prepare(args, ui.reporter(), (&mut selection, interrupts)).await;
    ui.finish().await;
    folded.inspect(|host| host.close());
    let Tested { run, sources } = match result? {
        Done::Tested(tested) => *tested,
        Done::Planned(text) => {
            ui::print(&text);
            return Ok(Exit::Success);
        }
    };
    match args.format {
        Format::Json => ui::print(&changed::with_selection(report::json(&run), selection.as_ref()).to_string()),
        Format::Text => ui::print_apart(&terminal(&run, rows(args), Some(&again(args)))),
    }
    host.inspect(|host| host.tell(&run, &sources));
    Ok(exit_of(&run))
}

async fn prepare(
    args: &Test,
    reporter: &Reporter,
    (selection, interrupts): (&mut Option<Selection>, Interrupts),
) -> Result<Done, Failure> {
    let rules = rules_of(args.rules.as_deref(), &args.stack);
    let mut options = options(args)?;
    if let Some(base) = &args.changed {
        let asked = changed::selection(&args.stack, base)?;
        let done = changed::narrow(&mut options, &asked, (args.format, reporter));
        *selection = Some(asked);
        if let Some(done) = done {
            return Ok(Done::Planned(done));
        }
    }
    let job = Job {
        stack: &args.stack,
        options,
        reports: reports(&args.reports)?,
        plan: args.plan.then_some(args.format),
        keep: args.keep,
        remember: true,
        accept: args.accept,
        again: again(args),
        base: args.base.as_deref(),
        exported: args.stack_from.as_deref(),
        target: args.target.as_deref().map(|url| (url, rules.as_path())),
    };
    test(&job, reporter, interrupts).await
}

/// The rules of an API that was not started here.
fn rules_of(rules: Option<&Path>, stack: &StackArgs) -> PathBuf {
    rules.map_or_else(|| stack.dir.join("authz.yaml"), Path::to_owned)
}

/// One run, however it was asked for.
struct Job<'a> {
    stack: &'a StackArgs,
    options: Options,
    reports: Vec<Wanted>,
    /// Print the plan so, and send nothing.
    plan: Option<Format>,
    keep: bool,
    /// Keep the run for `replay`.
    remember: bool,
    /// Record the access matrix.
    accept: bool,
    /// What a replay needs beside an id.
    again: String,
    /// The commit that files and the recorded matrix are compared with; the last one, if nobody says.
    base: Option<&'a str>,
    /// The Compose file that the stack was started from.
    exported: Option<&'a Path>,
    /// An API that was not started here, and its rules.
    target: Option<(&'a str, &'a Path)>,
}

/// What a test command ends with.
enum Done {
    Tested(Box<Tested>),
    Planned(String),
}

/// A run, and the files that its findings are told at.
struct Tested {
    run: Run,
    sources: report::Sources,
}

async fn test(job: &Job<'_>, reporter: &Reporter, mut interrupts: Interrupts) -> Result<Done, Failure> {
    if let Some(url) = job.target {
        return attack(job, url, reporter, interrupts).await;
    }
    let mut session = Session::open(job.stack, reporter)?;
    let mut rules = load_rules(&session, reporter)?;
    if job.accept {
        // What is accepted now is not held against what was accepted before.
        rules.lock = None;
    } else if let Some(base) = job.base {
        rules.lock = changed::lock_at(&session, base, reporter)?;
    }
    rules.base = base::base((&session.project.directory, Some(&rules.openapi)), job.base, reporter)?;
    let sources = report::Sources {
        guards: rules.base.as_ref().map(|base| base.guards.clone()).unwrap_or_default(),
        openapi: source(&session.project.directory, &rules.openapi),
        access: session.manifest.tests.as_ref().and_then(|path| source(&session.project.directory, path)),
    };
    let run = if job.plan.is_some() || !needs_stack(&job.options) {
        // A plan needs no tokens, only to know that there will be some.
        let known = (Some(String::new()), Some(String::new()));
        let tokens = if job.plan.is_some() { known } else { tokens(&session) };
        let target = target(&session, rules, (String::from("http://localhost"), tokens));
        let plan = plan(&target, &job.options)?;
        if let Some(format) = job.plan {
            return Ok(Done::Planned(planned(&plan, format)));
        }
        tokio::select! {
            run = run_layers(&plan, &target, reporter) => run,
            () = interrupts.next() => return Err(Failure::Interrupted),
        }
    } else if let Some(file) = job.exported {
        exported::attack((&session, rules), file, &job.options, (reporter, &mut interrupts)).await?
    } else {
        with_stack(job, (&mut session, rules), (reporter, &mut interrupts)).await?
    };
    if job.remember {
        remember(&session.project, &run);
    }
    if job.accept {
        accept::accept(&session, &run, reporter)?;
    }
    write(&job.reports, &run, (&sources, &job.again))?;
    Ok(Done::Tested(Box::new(Tested { run, sources })))
}

/// The `policy` layer alone: rules against policies, in this process.
pub(super) async fn policy_layer(session: &Session, reporter: &Reporter) -> Result<Run, Failure> {
    file_layers(session, load_rules(session, reporter)?, (&[Layer::Policy], reporter)).await
}

/// Layers that need files only, in this process. Of several, those that make no sense here are left out: what is named and
/// does not run would be no pass.
pub(super) async fn file_layers(
    session: &Session,
    rules: Rules,
    (layers, reporter): (&[Layer], &Reporter),
) -> Result<Run, Failure> {
    let target = target(session, rules, (String::from("http://localhost"), (None, None)));
    let mut options =
        Options { layers: layers.to_vec(), started_at: jiff::Timestamp::now().to_string(), ..Options::default() };
    let mut planned = plan(&target, &options)?;
    let possible = |layer: &&security_tests::plan::PlannedLayer| layer.skipped.is_none();
    let possible: Vec<Layer> = planned.layers.iter().filter(possible).map(|layer| layer.layer).collect();
    if !possible.is_empty() && possible.len() < layers.len() {
        options.layers = possible;
        planned = plan(&target, &options)?;
    }
    Ok(run_layers(&planned, &target, reporter).await)
}

/// Tests an API that was not started here.
async fn attack(
    job: &Job<'_>,
    (url, rules): (&str, &Path),
    reporter: &Reporter,
    mut interrupts: Interrupts,
) -> Result<Done, Failure> {
    let target = tokio::select! {
        target = foreign::describe((url, rules), job.base, reporter) => target?,
        () = interrupts.next() => return Err(Failure::Interrupted),
    };
    let plan = plan(&target, &job.options)?;
    if let Some(format) = job.plan {
        return Ok(Done::Planned(planned(&plan, format)));
    }
    let layers = run_layers(&plan, &target, reporter);
    let run = foreign::run((&plan, &target), layers, (reporter, &mut interrupts)).await?;
    let guards = target.base.as_ref().map(|base| base.guards.clone()).unwrap_or_default();
    let sources = report::Sources { openapi: None, access: source(Path::new(""), rules), guards };
    if job.remember {
        remember(&project_of(url, rules), &run);
    }
    write(&job.reports, &run, (&sources, &job.again))?;
    Ok(Done::Tested(Box::new(Tested { run, sources })))
}

/// Brings the stack up when it is not, and takes down what it started.
async fn with_stack(
    job: &Job<'_>,
    (session, rules): (&mut Session, Rules),
    (reporter, interrupts): (&Reporter, &mut Interrupts),
) -> Result<Run, Failure> {
    let _lock = session.lock_for_up("test", reporter)?;
    let prepared = tokio::select! {
        prepared = session.prepare(Depth::Full, reporter) => prepared?,
        () = interrupts.next() => return Err(Failure::Interrupted),
    };
    let was_up = running::is_up(&prepared.engine.observe(&session.project).await?);
    let result = on_stack((session, &prepared), rules, &job.options, (reporter, interrupts)).await;
    if !was_up && !job.keep {
        let down = clean_up(session, &prepared, result.is_err(), (reporter, interrupts)).await;
        // Why the tests could not run explains more than why the stack could not be removed.
        if result.is_ok() {
            down?;
        }
    }
    result
}

fn exit_of(run: &Run) -> Exit {
    match run.verdict() {
        Verdict::Pass => Exit::Success,
        Verdict::Fail => Exit::Findings,
        Verdict::Inconclusive => Exit::Inconclusive,
    }
}
