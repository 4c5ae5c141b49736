//! `devenv test`: brings the stack up when it is not, runs the layers, shows matrix and findings, and takes down what it
//! started.

mod accept;
mod draft;
mod init;
mod mutations;
mod options;
mod replay;
mod reports;
mod stack;
mod waive;

use std::path::Path;

use security_tests::{Options, Run, Verdict, report};

use crate::cli::{Format, StackArgs, Test, TestAction};
use crate::commands::interrupt::Interrupts;
use crate::commands::rules::load_rules;
use crate::commands::session::Session;
use crate::commands::{Failure, running, target as foreign};
use crate::event::Reporter;
use crate::exit::Exit;
use crate::stack::Depth;
use crate::ui::{self, Ui};
use options::{needs_stack, options, rows};
use reports::{Wanted, planned, remember, reports, source, terminal, write};
use stack::{clean_up, on_stack, plan, run_layers, target, tokens};

pub(super) async fn run(args: Test, interrupts: Interrupts) -> Result<Exit, Failure> {
    match args.action {
        None => run_tests(&args, interrupts).await,
        Some(TestAction::Replay(args)) => replay::run(args, interrupts).await,
        Some(TestAction::Init(args)) => init::run(&args).await,
        Some(TestAction::Waive(args)) => waive::run(&args).await,
        Some(TestAction::Mutations(args)) => mutations::run(args, interrupts).await,
    }
}

async fn run_tests(args: &Test, interrupts: Interrupts) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = prepare(args, ui.reporter(), interrupts).await;
    ui.finish().await;
    let run = match result? {
        Done::Tested(run) => run,
        Done::Planned(text) => {
            ui::print(&text);
            return Ok(Exit::Success);
        }
    };
    match args.format {
        Format::Json => ui::print(&report::json(&run).to_string()),
        Format::Text => ui::print_apart(&terminal(&run, rows(args), args.target.is_none())),
    }
    Ok(exit_of(&run))
}

async fn prepare(args: &Test, reporter: &Reporter, interrupts: Interrupts) -> Result<Done, Failure> {
    let rules = args.rules.clone().unwrap_or_else(|| args.stack.dir.join("authz.yaml"));
    let job = Job {
        stack: &args.stack,
        options: options(args)?,
        reports: reports(&args.reports)?,
        plan: args.plan.then_some(args.format),
        keep: args.keep,
        remember: true,
        accept: args.accept,
        target: args.target.as_deref().map(|url| (url, rules.as_path())),
    };
    test(&job, reporter, interrupts).await
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
    /// An API that was not started here, and its rules.
    target: Option<(&'a str, &'a Path)>,
}

/// What a test command ends with.
enum Done {
    Tested(Box<Run>),
    Planned(String),
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
    }
    let sources = report::Sources {
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
    } else {
        with_stack(job, (&mut session, rules), (reporter, &mut interrupts)).await?
    };
    if job.remember {
        remember(&session.project, &run);
    }
    if job.accept {
        accept::accept(&session, &run, reporter)?;
    }
    write(&job.reports, &run, &sources)?;
    Ok(Done::Tested(Box::new(run)))
}

/// The `policy` layer alone: rules against policies, in this process.
pub(super) async fn policy_layer(session: &Session, reporter: &Reporter) -> Result<Run, Failure> {
    let rules = load_rules(session, reporter)?;
    let target = target(session, rules, (String::from("http://localhost"), (None, None)));
    let options = Options {
        layers: vec![security_tests::verdict::Layer::Policy],
        started_at: jiff::Timestamp::now().to_string(),
        ..Options::default()
    };
    let plan = plan(&target, &options)?;
    Ok(run_layers(&plan, &target, reporter).await)
}

/// Tests an API that was not started here.
async fn attack(
    job: &Job<'_>,
    (url, rules): (&str, &Path),
    reporter: &Reporter,
    mut interrupts: Interrupts,
) -> Result<Done, Failure> {
    let target = tokio::select! {
        target = foreign::describe(url, rules, reporter) => target?,
        () = interrupts.next() => return Err(Failure::Interrupted),
    };
    let plan = plan(&target, &job.options)?;
    if let Some(format) = job.plan {
        return Ok(Done::Planned(planned(&plan, format)));
    }
    let layers = run_layers(&plan, &target, reporter);
    let run = foreign::run((&plan, &target), layers, (reporter, &mut interrupts)).await?;
    let sources = report::Sources { openapi: None, access: source(Path::new(""), rules) };
    write(&job.reports, &run, &sources)?;
    Ok(Done::Tested(Box::new(run)))
}

/// Brings the stack up when it is not, and takes down what it started.
async fn with_stack(
    job: &Job<'_>,
    (session, rules): (&mut Session, crate::commands::rules::Rules),
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
