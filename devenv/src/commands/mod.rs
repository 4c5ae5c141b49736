//! One file for each subcommand, short: load, plan, act, show.

mod completions;
mod control;
mod doctor;
mod down;
mod failure;
mod logs;
mod persona;
mod plan;
mod ps;
mod request;
mod rules;
mod running;
mod serve;
mod session;
mod test;
mod token;
mod up;

use crate::cli::{Command, Format};
use crate::exit::Exit;
use crate::ui;

pub use failure::{Failure, Message};

/// So many interrupts end the program at once, whatever it is doing; fewer are for the commands to handle gracefully.
const IMPATIENCE: usize = 3;

/// Runs one command and says how it ended.
pub async fn run(command: Command) -> Exit {
    let format = format_of(&command);
    tokio::spawn(async {
        for _ in 0..IMPATIENCE {
            drop(tokio::signal::ctrl_c().await);
        }
        std::process::exit(i32::from(Exit::Interrupted.code()));
    });
    let result = match command {
        Command::Up(args) => up::run(args).await,
        Command::Down(args) => down::run(args).await,
        Command::Ps(args) => ps::run(args).await,
        Command::Logs(args) => logs::run(args).await,
        Command::Plan(args) => plan::run(args).await,
        Command::Test(args) => test::run(args).await,
        Command::Token(args) => token::run(args).await,
        Command::Request(args) => request::run(args).await,
        Command::Persona(args) => persona::run(args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Completions(args) => Ok(completions::run(&args)),
        Command::Serve(args) => serve::run(args).await,
        Command::Supervise(args) => supervise(&args),
    };
    result.unwrap_or_else(|failure| {
        match format {
            Format::Json => ui::print(&failure.to_json().to_string()),
            Format::Text => ui::complain(&failure.render(ui::colour_stderr())),
        }
        failure.exit()
    })
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
        Command::Ps(args) => args.format,
        Command::Logs(args) => args.format,
        Command::Plan(args) => args.format,
        Command::Test(args) => args.format,
        Command::Token(args) => args.format,
        Command::Request(args) => args.format,
        Command::Persona(args) => args.format,
        Command::Doctor(args) => args.format,
        Command::Completions(_) | Command::Serve(_) | Command::Supervise(_) => Format::Text,
    }
}
