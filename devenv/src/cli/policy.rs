//! What the user typed about policies and the decisions made by them. Must not know what becomes of it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Format, StackArgs};

/// `devenv why`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  devenv why bob readOrder order:1                       as the API last described it\n  \
    devenv why bob readOrder order:1 --set owner=alice --set tenant=acme\n  \
    devenv why carol exportOrders                          a function of the API itself"
)]
pub struct Why {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Persona of the manifest
    pub persona: String,
    /// Action, the operationId of the API
    pub action: String,
    /// `order:1`, `Order::"1"`, or a name of policies/tests.yaml; absent: the API itself
    pub resource: Option<String>,
    /// An attribute of the resource, e.g. `--set owner=alice` (JSON, or a plain word)
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// A value of the context, e.g. `--context mfa=true`
    #[arg(long = "context", value_name = "NAME=VALUE")]
    pub context: Vec<String>,
    /// Do not ask a running IAM: answer from the files
    #[arg(long)]
    pub offline: bool,
    /// Sentences, or a JSON array of explanations
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv policy`.
#[derive(Debug, Args)]
pub struct Policy {
    /// What about them.
    #[command(subcommand)]
    pub command: PolicyCommand,
}

/// The subcommands of `devenv policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Syntax and schema, every mistake with file and line
    Check(PolicyArgs),
    /// Hold the policies to policies/tests.yaml and to the rules of authz.yaml
    Test(PolicyArgs),
    /// Which policies ever decide, and which look wider than anybody meant
    Coverage(PolicyArgs),
    /// Who gains and who loses what since a git revision; exits 1 when somebody gains
    Diff(PolicyDiff),
    /// What each persona may do and never did, by the decision log
    Usage(PolicyUsage),
}

/// `devenv policy check`, `test` and `coverage`.
#[derive(Debug, Args)]
pub struct PolicyArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Text or JSON
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv policy diff`.
#[derive(Debug, Args)]
pub struct PolicyDiff {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Git revision to compare with, e.g. `HEAD~1` or `origin/main`
    pub base: String,
    /// Exit 0 although somebody gains something
    #[arg(long)]
    pub allow_widening: bool,
    /// A table or JSON
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv policy usage`.
#[derive(Debug, Args)]
pub struct PolicyUsage {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// A decision log; without it, that of the running IAM
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// A table or a JSON array
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv audit-log`.
#[derive(Debug, Args)]
pub struct AuditLog {
    /// What to do with it.
    #[command(subcommand)]
    pub command: AuditLogCommand,
}

/// What there is to do with the log of decisions.
#[derive(Debug, Subcommand)]
pub enum AuditLogCommand {
    /// Check that each line is as it was written and follows the one before; exit 1 names the line where it breaks
    Verify(AuditLogVerify),
}

/// `devenv audit-log verify`.
#[derive(Debug, Args)]
pub struct AuditLogVerify {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// The log, JSON lines; without it, what the running IAM has in memory
    #[arg(value_name = "LOG")]
    pub log: Option<PathBuf>,
    /// Hash that the last line must have, noted earlier: finds a log that was cut off or written anew
    #[arg(long, value_name = "HASH")]
    pub head: Option<String>,
    /// Words or a JSON object
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

impl AuditLog {
    /// How failures are shown.
    #[must_use]
    pub fn format(&self) -> Format {
        let AuditLogCommand::Verify(args) = &self.command;
        args.format
    }
}
