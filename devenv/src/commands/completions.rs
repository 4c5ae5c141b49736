//! `devenv completions`: a completion script.

use clap::CommandFactory as _;

use crate::cli::{Cli, Completions};
use crate::exit::Exit;
use crate::ui;

pub(super) fn run(args: &Completions) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "devenv", &mut script);
    ui::print(String::from_utf8_lossy(&script).trim_end());
    Exit::Success
}
