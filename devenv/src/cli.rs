//! What the user typed, and nothing else.

mod ci;
mod export;
mod hook;
mod policy;
mod test;
mod upkeep;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use ci::*;
pub use export::*;
pub use hook::*;
pub use policy::*;
pub use test::*;
pub use upkeep::*;

/// Composes a complete local stack (IAM, OpenID provider, dependencies, your API) and tests its authorization.
#[derive(Debug, Parser)]
#[command(name = "devenv", version, about, max_term_width = 110, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 all well, 1 findings, 2 wrong command line or file, 3 the world is not as needed,\n\
    4 inconclusive (controls failed: a pass would prove nothing), 130 interrupted."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the stack; attached, Ctrl-C stops it again
    Up(Up),
    /// Stop and remove everything of the stack
    Down(Down),
    /// End services and leave them to be started again
    Stop(Lifecycle),
    /// End services and start them again, as they are
    Restart(Lifecycle),
    /// Freeze the whole stack: it uses no processor time until `wake`
    Sleep(Whole),
    /// Let a frozen stack go on
    Wake(Whole),
    /// Run a command where a service runs
    Exec(Exec),
    /// List what runs
    Ps(Ps),
    /// Show output of services
    Logs(Logs),
    /// Show the steps that `up` would take, and why; changes nothing
    Plan(Plan),
    /// Show the file as it is understood: all files merged, variables replaced, long forms
    Config(Config),
    /// Test the authorization of the stack's API (starts the stack, and takes it down again, when it is not up)
    Test(Box<Test>),
    /// Print an access token of a persona
    Token(Token),
    /// Send an authenticated request as a persona
    Request(Request),
    /// Look at or change a persona in the running directory: take a role away and watch the next request
    Persona(Persona),
    /// Why somebody may or may not do something: the policies that decide, or the conditions that are false
    Why(Why),
    /// What the policies mean: mistakes, expectations, coverage, differences, usage
    Policy(Policy),
    /// Verify the log of the IAM's decisions
    AuditLog(AuditLog),
    /// Bring the stack up and answer each change of a source file: rebuild, copy or restart
    Watch(Watch),
    /// Hold the files against secure defaults; each finding with its fix
    Audit(Audit),
    /// Write which content each image has into devenv.lock
    Lock(LockImages),
    /// Keep the data of the stack and the memory of its provider and directory
    Snapshot(TakeSnapshot),
    /// Put a snapshot back
    Reset(Reset),
    /// List what projects left behind whose directory is gone; `--force` removes it
    Gc(Gc),
    /// Write the stack for other tools: a Compose file that plain `docker compose up` serves
    Export(Export),
    /// Run the tests in CI: `ci init` writes the pipeline
    Ci(Ci),
    /// Test on every commit and before every push: put the calls into git's hooks, or do what they do
    Hook(Box<Hook>),
    /// Write a starter project; or a devenv.yaml over the Compose file that is there
    Init(NewProject),
    /// Check this machine: engine, ports, versions, and how to mend each
    Doctor(Doctor),
    /// Print the JSON Schema of a file, for editors
    Schema(Schema),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Run one built-in service (used by the engines)
    #[command(hide = true)]
    Serve(Serve),
    /// Supervise one process (used by the embedded engine)
    #[command(hide = true)]
    Supervise(Supervise),
}

/// Which stack, on which engine.
#[derive(Clone, Debug, Default, Args)]
pub struct StackArgs {
    /// Directory of the project; devenv.yaml is looked for there and above
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Another manifest than devenv.yaml or compose.yaml, relative to --dir; further ones are laid over it
    #[arg(long, value_name = "FILE")]
    pub file: Vec<PathBuf>,
    /// Services of this profile, too
    #[arg(
        long = "profile",
        value_name = "NAME",
        env = "COMPOSE_PROFILES",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub profiles: Vec<String>,
    /// Where services run; `auto` takes Docker when it answers and has or gets every image, otherwise `embedded`
    #[arg(long, value_enum, default_value_t = EngineArg::Auto, env = "DEVENV_ENGINE")]
    pub engine: EngineArg,
}

/// `--engine`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum EngineArg {
    /// Docker when possible, otherwise embedded
    #[default]
    Auto,
    /// Containers
    Docker,
    /// Processes of this machine
    Embedded,
}

/// `--format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs: one JSON value for tables, JSON lines for progress
    Json,
}

/// `devenv up`.
#[derive(Debug, Args)]
pub struct Up {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Only these services and what they need
    pub services: Vec<String>,
    /// Return when everything is ready, and leave it running
    #[arg(short, long, visible_alias = "wait")]
    pub detach: bool,
    /// Start only images whose content is the one of devenv.lock
    #[arg(long)]
    pub locked: bool,
    /// Say where the time went: for each service, and the chain of steps that the whole waited for
    #[arg(long)]
    pub timings: bool,
    /// Progress as text or JSON lines
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv down`.
#[derive(Debug, Args)]
pub struct Down {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Remove named volumes and secrets, too
    #[arg(short, long)]
    pub volumes: bool,
    /// Progress as text or JSON lines
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv stop` and `devenv restart`.
#[derive(Debug, Args)]
pub struct Lifecycle {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Only these services
    pub services: Vec<String>,
    /// Progress as text or JSON lines
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv sleep` and `devenv wake`.
#[derive(Debug, Args)]
pub struct Whole {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Progress as text or JSON lines
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

impl From<Whole> for Lifecycle {
    fn from(whole: Whole) -> Self {
        Self { stack: whole.stack, services: Vec::new(), format: whole.format }
    }
}

/// `devenv exec`.
#[derive(Debug, Args)]
#[command(after_help = "Example: devenv exec db -- psql -U postgres\nThe exit code is that of the command.")]
pub struct Exec {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// The service: in its container, or beside its process with its environment
    pub service: String,
    /// As this user, in a container
    #[arg(short, long, value_name = "USER")]
    pub user: Option<String>,
    /// In this directory
    #[arg(short, long, value_name = "DIR")]
    pub workdir: Option<String>,
    /// No terminal, even when there is one
    #[arg(short = 'T', long)]
    pub no_tty: bool,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

/// `devenv ps`.
#[derive(Debug, Args)]
pub struct Ps {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Relays, too
    #[arg(short, long)]
    pub all: bool,
    /// A table or a JSON array
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv logs`.
#[derive(Debug, Args)]
pub struct Logs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Only these services
    pub services: Vec<String>,
    /// Go on with new lines
    #[arg(short, long)]
    pub follow: bool,
    /// At most so many old lines of each service
    #[arg(short = 'n', long, value_name = "N")]
    pub tail: Option<usize>,
    /// Lines as text or JSON
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv plan`.
#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// A table or a JSON array
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv config`.
#[derive(Debug, Args)]
pub struct Config {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Say where the value of a variable comes from, instead
    #[arg(long, value_name = "VARIABLE")]
    pub explain: Option<String>,
    /// Names of the services only
    #[arg(long, conflicts_with = "explain")]
    pub services: bool,
    /// Only check the files
    #[arg(short, long, conflicts_with_all = ["explain", "services"])]
    pub quiet: bool,
    /// YAML or JSON
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv token`.
#[derive(Debug, Args)]
pub struct Token {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Persona of the manifest
    pub persona: String,
    /// Seconds until it expires; negative: already expired
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub lifetime: Option<i64>,
    /// A claim to set over the usual ones, e.g. `--claim roles='["admin"]'` (JSON, or a plain word)
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    pub claims: Vec<String>,
    /// Just the token, or the whole answer with decoded claims
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv request`.
#[derive(Debug, Args)]
#[command(after_help = "Example: devenv request alice POST /orders --json '{\"item\": \"tea\", \"quantity\": 1}'")]
pub struct Request {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Persona of the manifest, or `anonymous`
    pub persona: String,
    /// HTTP method
    pub method: String,
    /// Path with query, or a whole URL of this machine
    pub path: String,
    /// JSON body
    #[arg(long, value_name = "JSON")]
    pub json: Option<String>,
    /// Another service than the one under test
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// Use this token instead of a fresh one, e.g. one kept from before a demotion
    #[arg(long, env = "DEVENV_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub token: Option<String>,
    /// Body only, or status, headers and body as JSON
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv persona`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  devenv persona                        everybody, as the directory knows them now\n  \
    devenv persona carol --roles customer  demote carol\n  devenv persona carol --active false    deactivate her\n  \
    devenv persona --reset                 back to devenv.yaml"
)]
pub struct Persona {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Whom to show or change; without it, everybody is shown
    pub name: Option<String>,
    /// Replace the roles (comma separated; empty: none)
    #[arg(long, value_name = "ROLES", value_delimiter = ',', num_args = 0..)]
    pub roles: Option<Vec<String>>,
    /// Move to another tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// Activate or deactivate
    #[arg(long, value_name = "BOOL")]
    pub active: Option<bool>,
    /// Put the whole directory back to what devenv.yaml says
    #[arg(long, conflicts_with_all = ["name", "roles", "tenant", "active"])]
    pub reset: bool,
    /// A table or a JSON array
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// A table or a JSON array
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// `devenv serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Which service.
    #[command(subcommand)]
    pub service: ServeService,
}

/// The built-in services.
#[derive(Debug, Subcommand)]
pub enum ServeService {
    /// The OpenID provider.
    Idp(ServeConfig),
    /// The IAM.
    Iam(ServeConfig),
    /// TCP relay in the network namespace of a container.
    Relay {
        /// `PORT=HOST:PORT` each.
        #[arg(required = true)]
        forwards: Vec<String>,
    },
    /// Ask once whether something answers (health checks of exported Compose files).
    Probe {
        /// `http://HOST:PORT/PATH` or `tcp://HOST:PORT`.
        question: String,
    },
    /// Nothing, until it is ended: a container whose health check asks about another one.
    Idle,
}

/// Configuration and address of a built-in service.
#[derive(Debug, Args)]
pub struct ServeConfig {
    /// JSON or YAML configuration.
    #[arg(long)]
    pub config: PathBuf,
    /// Address to listen on.
    #[arg(long)]
    pub listen: std::net::SocketAddr,
}

/// `devenv supervise`.
#[derive(Debug, Args)]
pub struct Supervise {
    /// Directory with the service's specification.
    pub directory: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn no_two_flags_collide_and_every_default_is_a_possible_value() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_negative_lifetime_is_a_value_and_no_flag() {
        let cli = Cli::try_parse_from(["devenv", "token", "alice", "--lifetime", "-5"]).unwrap();
        assert!(matches!(cli.command, Command::Token(Token { lifetime: Some(-5), .. })));
    }
}
