//! What the user typed after `devenv export`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Format, StackArgs};

/// `devenv export`.
#[derive(Debug, Args)]
pub struct Export {
    /// In which form.
    #[command(subcommand)]
    pub form: ExportForm,
}

/// What a stack can be exported as.
#[derive(Debug, Subcommand)]
pub enum ExportForm {
    /// A Compose file of the same stack, for `docker compose up`
    Compose(ExportCompose),
}

/// `devenv export compose`.
#[derive(Debug, Args)]
#[command(after_help = "Then: docker compose -f compose.devenv.yaml up -d --wait\n      \
    devenv test --stack-from compose.devenv.yaml")]
pub struct ExportCompose {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// The Compose file [default: compose.devenv.yaml in the project]; secrets go into a directory beside it
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write archives for `docker load`, too, for a machine that has no devenv
    #[arg(long)]
    pub images: bool,
    /// Write over a file that is no export
    #[arg(long)]
    pub force: bool,
    /// For people or as one JSON value
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}
