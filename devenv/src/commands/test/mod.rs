//! `devenv test`: brings the stack up when it is not, runs the layers, shows matrix and findings, and takes down what it
//! started.

mod options;
mod reports;
mod stack;

use security_tests::{Run, Verdict};

use crate::cli::{Format, Test};
use crate::commands::interrupt::Interrupts;
use crate::commands::rules::load_rules;
use crate::commands::session::Session;
use crate::commands::{Failure, running};
use crate::event::Reporter;
use crate::exit::Exit;
use crate::stack::{Depth, Lock};
use crate::ui::{self, Ui};
use options::{needs_stack, options};
use reports::{planned, reports, terminal, write};
use stack::{clean_up, on_stack, plan, run_layers, target, tokens};

pub(super) async fn run(args: Test, interrupts: Interrupts) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = test(&args, ui.reporter(), interrupts).await;
    ui.finish().await;
    let (run, exit) = match result {
        Ok(Done::Tested(run)) => {
            let exit = exit_of(&run);
            (run, exit)
        }
        Ok(Done::Planned(text)) => {
            ui::print(&text);
            return Ok(Exit::Success);
        }
        Err(failure) => return Err(failure),
    };
    match args.format {
        Format::Json => ui::print(&security_tests::report::json(&run).to_string()),
        Format::Text => ui::print_apart(&terminal(&run)),
    }
    Ok(exit)
}

/// What a test command ends with.
enum Done {
    Tested(Box<Run>),
    Planned(String),
}

async fn test(args: &Test, reporter: &Reporter, mut interrupts: Interrupts) -> Result<Done, Failure> {
    let reports = reports(&args.reports)?;
    let session = Session::open(&args.stack, reporter)?;
    let rules = load_rules(&session, reporter)?;
    let options = options(args)?;
    if args.plan || !needs_stack(&options) {
        // A plan needs no tokens, only to know that there will be some.
        let tokens = if args.plan { (Some(String::new()), Some(String::new())) } else { tokens(&session) };
        let target = target(&session, rules, (String::from("http://localhost"), tokens));
        let plan = plan(&target, &options)?;
        if args.plan {
            return Ok(Done::Planned(planned(&plan, args.format)));
        }
        let run = tokio::select! {
            run = run_layers(&plan, &target, reporter) => run,
            () = interrupts.next() => return Err(Failure::Interrupted),
        };
        write(&reports, &run)?;
        return Ok(Done::Tested(Box::new(run)));
    }
    let lock = Lock::take(&session.project, "test")?;
    let prepared = tokio::select! {
        prepared = session.prepare(Depth::Full, reporter) => prepared?,
        () = interrupts.next() => return Err(Failure::Interrupted),
    };
    let was_up = running::is_up(&prepared.engine.observe(&session.project).await?);
    let result = on_stack((&session, &prepared), rules, &options, (reporter, &mut interrupts)).await;
    if !was_up && !args.keep {
        let down = clean_up(&session, &prepared, result.is_err(), (reporter, &mut interrupts)).await;
        // Why the tests could not run explains more than why the stack could not be removed.
        if result.is_ok() {
            down?;
        }
    }
    drop(lock);
    let run = result?;
    write(&reports, &run)?;
    Ok(Done::Tested(Box::new(run)))
}

fn exit_of(run: &Run) -> Exit {
    match run.verdict() {
        Verdict::Pass => Exit::Success,
        Verdict::Fail => Exit::Findings,
        Verdict::Inconclusive => Exit::Inconclusive,
    }
}
