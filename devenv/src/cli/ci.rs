//! What the user typed after `devenv ci`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `devenv ci`.
#[derive(Debug, Args)]
pub struct Ci {
    /// What to do.
    #[command(subcommand)]
    pub action: CiAction,
}

/// What there is to do about CI.
#[derive(Debug, Subcommand)]
pub enum CiAction {
    /// Write a pipeline that runs the same `devenv test`
    Init(CiInit),
}

/// `devenv ci init`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  devenv ci init github\n  devenv ci init gitlab --shards 4")]
pub struct CiInit {
    /// For which CI system
    pub system: CiSystem,
    /// Directory of the project; devenv.yaml is looked for there and above
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Machines that share a run
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub shards: u16,
    /// Where to write [default: where the system looks for it]; `-` prints
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Git repository of devenv, from which machines that have none install it [default: the variable DEVENV_REPOSITORY]
    #[arg(long, value_name = "URL")]
    pub repository: Option<String>,
    /// Write over a file that is there
    #[arg(long)]
    pub force: bool,
}

/// The CI systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CiSystem {
    /// GitHub Actions
    #[value(name = "github")]
    GitHub,
    /// GitLab CI
    #[value(name = "gitlab")]
    GitLab,
}
