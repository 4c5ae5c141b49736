//! `devenv hook`: tests on every commit and before every push, through git's own hooks.

mod candidate;
mod commit;
mod install;
mod push;
mod report;
mod snippet;

use std::time::Duration;

use crate::cli::{Format, Hook, HookCommand, HookName, HookRun, Mode};
use crate::commands::Failure;
use crate::commands::interrupt::Interrupts;
use crate::exit::Exit;
use crate::git::Repository;
use crate::ui;

/// Where the mode is kept.
const MODE: &str = "devenv.hookMode";
/// Where the budget is kept.
const BUDGET: &str = "devenv.hookBudget";
/// Longer, and people pass the hook by.
const DEFAULT_BUDGET: Duration = Duration::from_secs(2);

pub(super) async fn run(args: Hook, interrupts: Interrupts) -> Result<Exit, Failure> {
    match args.command {
        HookCommand::Install(args) => install::install(&args),
        HookCommand::Uninstall(args) => install::uninstall(&args),
        HookCommand::Status(args) => install::status(&args),
        HookCommand::Snippet(args) => {
            ui::print(snippet::of(args.manager));
            Ok(Exit::Success)
        }
        HookCommand::Run(args) => match args.hook {
            HookName::PreCommit => commit::run(&args, interrupts).await,
            HookName::PrePush => push::run(&args, interrupts).await,
        },
    }
}

impl Hook {
    /// The format of whatever was asked for.
    pub(super) fn format(&self) -> Format {
        match &self.command {
            HookCommand::Install(args) => args.place.format,
            HookCommand::Uninstall(args) | HookCommand::Status(args) => args.format,
            HookCommand::Run(args) => args.format,
            HookCommand::Snippet(_) => Format::Text,
        }
    }
}

/// What a finding does: as typed, as configured, or block.
fn mode(args: &HookRun, repository: &Repository) -> Result<Mode, Failure> {
    match args.mode {
        Some(mode) => Ok(mode),
        None => configured(repository).map(Option::unwrap_or_default),
    }
}

/// How long a commit may wait: as typed, as configured, or 2 s.
fn budget(args: &HookRun, repository: &Repository) -> Result<Duration, Failure> {
    match (args.budget, repository.setting(BUDGET)?) {
        (Some(budget), _) => Ok(budget),
        (None, None) => Ok(DEFAULT_BUDGET),
        (None, Some(text)) => crate::cli::duration(&text)
            .map_err(|error| Failure::with_help(Exit::Usage, format!("`{BUDGET}` is `{text}`"), error)),
    }
}

fn configured(repository: &Repository) -> Result<Option<Mode>, Failure> {
    match repository.setting(MODE)?.as_deref() {
        None => Ok(None),
        Some("block") => Ok(Some(Mode::Block)),
        Some("warn") => Ok(Some(Mode::Warn)),
        Some(other) => {
            let help = "set it with `git config devenv.hookMode block`";
            Err(Failure::with_help(Exit::Usage, format!("`{MODE}` is `{other}`; there are warn, block"), help))
        }
    }
}
