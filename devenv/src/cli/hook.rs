//! What the user typed after `devenv hook`. Must not know what becomes of it.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::test::duration;
use super::{Format, StackArgs};

/// `devenv hook`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  devenv hook install                 test what is staged before each commit, everything before each push\n  \
    devenv hook install --mode warn     tell, and let it pass\n  \
    devenv hook run pre-commit          what the hook does, by hand\n  \
    git commit --no-verify              this once without"
)]
pub struct Hook {
    /// What to do with the hooks.
    #[command(subcommand)]
    pub command: HookCommand,
}

/// What to do with the hooks.
#[derive(Debug, Subcommand)]
pub enum HookCommand {
    /// Let git test what is staged before each commit, and everything before each push; hooks that are there keep running
    Install(HookInstall),
    /// Put the hooks back as they were
    Uninstall(HookPlace),
    /// Whether git calls devenv, and how strictly
    Status(HookPlace),
    /// Do what a hook does; git calls this
    Run(HookRun),
    /// Print the lines for a hook manager
    Snippet(HookSnippet),
}

/// `devenv hook install`.
#[derive(Debug, Args)]
pub struct HookInstall {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub place: HookPlace,
    /// What a finding does; kept in `git config devenv.hookMode` [default: what is set there, otherwise block]
    #[arg(long, value_enum)]
    pub mode: Option<Mode>,
}

/// Which project's hooks.
#[derive(Debug, Args)]
pub struct HookPlace {
    /// Directory of the project
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: std::path::PathBuf,
    /// Text or JSON
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv hook run`.
#[derive(Debug, Args)]
pub struct HookRun {
    /// Which
    #[arg(value_enum)]
    pub hook: HookName,
    /// What git hands over: name and address of the remote
    #[arg(hide = true)]
    pub rest: Vec<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Before a commit, take so long at most beside building: requests go to the worst risks first [default: `git config
    /// devenv.hookBudget`, otherwise 2s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub budget: Option<Duration>,
    /// What a finding does [default: `git config devenv.hookMode`, otherwise block]
    #[arg(long, value_enum)]
    pub mode: Option<Mode>,
    /// Text or JSON
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv hook snippet`.
#[derive(Debug, Args)]
pub struct HookSnippet {
    /// For which hook manager
    #[arg(value_enum)]
    pub manager: Manager,
}

/// The hooks of git that `devenv` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HookName {
    /// Tests what is staged
    PreCommit,
    /// Tests everything
    PrePush,
}

impl HookName {
    /// As git calls it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::PrePush => "pre-push",
        }
    }
}

/// What a finding does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Is told
    Warn,
    /// Stops the commit or push
    #[default]
    Block,
}

impl Mode {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Block => "block",
        }
    }
}

/// Programs that manage hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Manager {
    /// pre-commit.com
    PreCommit,
    /// lefthook
    Lefthook,
    /// husky
    Husky,
}
