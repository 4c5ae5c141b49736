//! What the user typed about the files of a project and what it leaves behind. Must not know what becomes of it.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Format, StackArgs};

/// `devenv watch`.
#[derive(Debug, Args)]
pub struct Watch {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Only these services and what they need
    pub services: Vec<String>,
    /// Progress as text or JSON lines
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv audit`.
#[derive(Debug, Args)]
pub struct Audit {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Make the mechanical fixes in the files; comments and layout stay
    #[arg(long)]
    pub fix: bool,
    /// Exit with 1 for findings of this severity and above
    #[arg(long, value_enum, default_value_t = FailOn::Medium, value_name = "SEVERITY")]
    pub fail_on: FailOn,
    /// Text, JSON or SARIF 2.1.0
    #[arg(long, value_enum, default_value_t)]
    pub format: AuditFormat,
}

/// `--fail-on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// All findings
    Low,
    /// What makes an attack easier, and worse
    Medium,
    /// What gives the machine or its secrets away
    High,
    /// Only tell
    Never,
}

/// `--format` of `audit`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    /// For people
    #[default]
    Text,
    /// A JSON array
    Json,
    /// For code hosts
    Sarif,
}

/// `devenv schema`.
#[derive(Debug, Args)]
#[command(after_help = "Example: devenv schema > .devenv.schema.json, and as the first line of devenv.yaml:\n  \
    # yaml-language-server: $schema=.devenv.schema.json")]
pub struct Schema {
    /// Of which file
    #[arg(value_enum, default_value_t)]
    pub file: SchemaOf,
}

/// The files that have a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// devenv.yaml, and compose.yaml as far as it is understood
    #[default]
    Devenv,
    /// authz.yaml, the access rules
    Authz,
}

/// `devenv lock`.
#[derive(Debug, Args)]
pub struct LockImages {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// A table or JSON
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// The name of a snapshot when nobody says one.
const SNAPSHOT: &str = "default";

/// `devenv snapshot`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Volumes and data directories of at most 1 GiB each; services are frozen while they are copied.\n\
    Examples:\n  devenv snapshot seeded     keep what there is now\n  devenv reset seeded        put it back, as often as needed\n  \
    devenv snapshot ls         list them"
)]
pub struct TakeSnapshot {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Its name; an older one of that name is replaced
    #[arg(default_value = SNAPSHOT)]
    pub name: String,
    /// Instead of taking one.
    #[command(subcommand)]
    pub action: Option<SnapshotAction>,
    /// Text or JSON
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// What else can be done with snapshots.
#[derive(Debug, Subcommand)]
pub enum SnapshotAction {
    /// List them
    Ls {
        /// Which stack's.
        #[command(flatten)]
        stack: StackArgs,
        /// A table or a JSON array
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Remove one
    Rm {
        /// Which stack's.
        #[command(flatten)]
        stack: StackArgs,
        /// Its name
        name: String,
    },
}

/// `devenv reset`.
#[derive(Debug, Args)]
pub struct Reset {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// The snapshot
    #[arg(default_value = SNAPSHOT)]
    pub name: String,
    /// Progress as text or JSON lines
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv gc`.
#[derive(Debug, Args)]
pub struct Gc {
    /// Remove what is listed, volumes included
    #[arg(long)]
    pub force: bool,
    /// A table or a JSON array
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv init`.
#[derive(Debug, Args)]
pub struct NewProject {
    /// Which: `orders`
    pub template: Option<String>,
    /// Where to
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
}
