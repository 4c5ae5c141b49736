//! One file for each subcommand, short: load, plan, act, show.

mod audit;
mod audit_log;
mod base;
mod ci;
mod completions;
mod config;
mod control;
mod doctor;
mod down;
mod exec;
mod export;
mod failure;
mod gc;
mod hook;
mod init;
mod interrupt;
mod lifecycle;
mod lock;
mod logs;
mod persona;
mod plan;
mod policy;
mod ps;
mod quiet;
mod request;
mod rules;
mod running;
mod schema;
mod selection;
mod serve;
mod session;
mod snapshot;
mod target;
mod test;
mod token;
mod up;
mod watch;
mod why;
mod words;

use crate::cli::{CiAction, Command, ExportForm, Format, PolicyCommand};
use crate::exit::Exit;
use crate::ui;

pub use failure::{Failure, Message};
use interrupt::Interrupts;
use lifecycle::Verb;

/// Runs one command and says how it ended.
pub async fn run(command: Command) -> Exit {
    let format = format_of(&command);
    dispatch(command).await.unwrap_or_else(|failure| {
        match format {
            Format::Json => ui::print(&failure.to_json().to_string()),
            Format::Text => ui::complain(&failure.render(ui::colour_stderr())),
        }
        failure.exit()
    })
}

async fn dispatch(command: Command) -> Result<Exit, Failure> {
    // Those that end by themselves on a signal.
    let command = match command {
        Command::Serve(args) => return serve::run(args).await,
        Command::Supervise(args) => return supervise(&args),
        other => other,
    };
    let mut interrupts = Interrupts::count();
    match command {
        Command::Up(args) => up::run(args, interrupts).await,
        Command::Down(args) => down::run(args, interrupts).await,
        Command::Test(args) => test::run(*args, interrupts).await,
        Command::Hook(args) => hook::run(*args, interrupts).await,
        only_looks => tokio::select! {
            result = look(only_looks) => result,
            () = interrupts.next() => Err(Failure::Interrupted),
        },
    }
}

/// Commands that leave nothing half done when they are dropped.
async fn look(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Stop(args) => lifecycle::run(args, Verb::Stop).await,
        Command::Restart(args) => lifecycle::run(args, Verb::Restart).await,
        Command::Sleep(args) => lifecycle::run(args.into(), Verb::Sleep).await,
        Command::Wake(args) => lifecycle::run(args.into(), Verb::Wake).await,
        Command::Exec(args) => exec::run(args).await,
        Command::Audit(args) => audit::run(args).await,
        Command::Watch(args) => watch::run(args).await,
        Command::Lock(args) => lock::run(args).await,
        Command::Snapshot(args) => snapshot::run(args).await,
        Command::Reset(args) => snapshot::reset(args).await,
        Command::Gc(args) => gc::run(args).await,
        Command::Ci(args) => match &args.action {
            CiAction::Init(args) => ci::run(args),
        },
        Command::Export(args) => match &args.form {
            ExportForm::Compose(args) => export::run(args).await,
        },
        Command::Init(args) => init::run(&args),
        Command::Ps(args) => ps::run(args).await,
        Command::Logs(args) => logs::run(args).await,
        Command::Plan(args) => plan::run(args).await,
        Command::Config(args) => config::run(&args).await,
        Command::Token(args) => token::run(args).await,
        Command::Request(args) => request::run(args).await,
        Command::Persona(args) => persona::run(args).await,
        Command::Why(args) => why::run(args).await,
        Command::Policy(args) => policy::run(args).await,
        Command::AuditLog(args) => audit_log::run(args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Schema(args) => Ok(schema::run(&args)),
        Command::Completions(args) => Ok(completions::run(&args)),
        Command::Up(_)
        | Command::Down(_)
        | Command::Test(_)
        | Command::Hook(_)
        | Command::Serve(_)
        | Command::Supervise(_) => Ok(Exit::Success),
    }
}

/// Usually handled before there is a run time; here for completeness.
fn supervise(args: &crate::cli::Supervise) -> Result<Exit, Failure> {
    crate::engine::embedded::supervise(&args.directory)?;
    Ok(Exit::Success)
}

fn format_of(command: &Command) -> Format {
    match command {
        Command::Up(args) => args.format,
        Command::Down(args) => args.format,
        Command::Stop(args) | Command::Restart(args) => args.format,
        Command::Sleep(args) | Command::Wake(args) => args.format,
        Command::Watch(args) => args.format,
        Command::Lock(args) => args.format,
        Command::Snapshot(args) => match &args.action {
            Some(crate::cli::SnapshotAction::Ls { format, .. }) => *format,
            Some(crate::cli::SnapshotAction::Rm { .. }) => Format::Text,
            None => args.format,
        },
        Command::Reset(args) => args.format,
        Command::Gc(args) => args.format,
        Command::Ps(args) => args.format,
        Command::Logs(args) => args.format,
        Command::Plan(args) => args.format,
        Command::Config(args) => args.format,
        Command::Test(args) => args.format(),
        Command::Token(args) => args.format,
        Command::Request(args) => args.format,
        Command::Persona(args) => args.format,
        Command::Why(args) => args.format,
        Command::Policy(args) => match &args.command {
            PolicyCommand::Check(args) | PolicyCommand::Test(args) | PolicyCommand::Coverage(args) => args.format,
            PolicyCommand::Diff(args) => args.format,
            PolicyCommand::Usage(args) => args.format,
        },
        Command::AuditLog(args) => args.format(),
        Command::Doctor(args) => args.format,
        Command::Export(args) => match &args.form {
            ExportForm::Compose(args) => args.format,
        },
        Command::Hook(args) => args.format(),
        Command::Audit(_)
        | Command::Ci(_)
        | Command::Completions(_)
        | Command::Exec(_)
        | Command::Init(_)
        | Command::Schema(_)
        | Command::Serve(_)
        | Command::Supervise(_) => Format::Text,
    }
}
