//! What the user typed after `devenv test`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use security_tests::plan::Shard;

use super::{Format, StackArgs};

/// `devenv test`.
#[derive(Debug, Default, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:\n  devenv test                                      everything\n  \
    devenv test --layer static,policy                files only, no stack\n  \
    devenv test --report html=run.html --report sarif=run.sarif\n  \
    devenv test --changed                            what the changes since HEAD ask for\n  \
    devenv test --watch                              again with each change of a file\n  \
    devenv test replay object-access:readOrder       is it still there?")]
pub struct Test {
    /// Something else than a run.
    #[command(subcommand)]
    pub action: Option<TestAction>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// An API that runs already, e.g. http://127.0.0.1:8080, instead of a stack; needs no devenv.yaml
    #[arg(long, value_name = "URL", conflicts_with = "accept")]
    pub target: Option<String>,
    /// The stack of an exported Compose file, which runs already: nothing is started or taken down
    #[arg(long, value_name = "FILE", conflicts_with_all = ["target", "keep"])]
    pub stack_from: Option<PathBuf>,
    /// Who may do what of that API [default: authz.yaml in --dir]
    #[arg(long, value_name = "FILE", requires = "target")]
    pub rules: Option<PathBuf>,
    /// Only these layers
    #[arg(long = "layer", value_name = "LAYER", value_delimiter = ',')]
    pub layers: Vec<String>,
    /// Only these operations, by operationId
    #[arg(long = "operation", value_name = "ID", value_delimiter = ',')]
    pub operations: Vec<String>,
    /// Only these personas as attackers
    #[arg(long = "persona", value_name = "NAME", value_delimiter = ',')]
    pub personas: Vec<String>,
    /// Only what a change asks for: the work tree against a revision [default: HEAD]; says what was selected, and why
    #[arg(long, value_name = "BASE", num_args = 0..=1, default_missing_value = "HEAD", conflicts_with_all = ["target", "accept"])]
    pub changed: Option<String>,
    /// Go on with each change of a file: the layers that it concerns; Ctrl-C ends it
    #[arg(long, conflicts_with_all = ["target", "accept", "plan", "changed", "shard"])]
    pub watch: bool,
    /// Which findings fail: E exploits, P also profile conformance, H also hardening; the others are advice
    #[arg(long, value_enum, ignore_case = true, default_value_t)]
    pub tier: TierArg,
    /// Send requests for so long at most (`2s`, `500ms`, `1m`), the worst risks first; what was not run is told, and no pass
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub budget: Option<Duration>,
    /// Give up on one answer after so long [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// One part of the run, for machines that share it, e.g. `2/4`
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub shard: Option<Shard>,
    /// Commit that files are compared with: was a declared security requirement weakened, a guard deleted? [default: HEAD]
    #[arg(long, value_name = "REV")]
    pub base: Option<String>,
    /// Write a report: json, junit, sarif, html, markdown or codequality, e.g. `--report junit=run.xml`; may be given several times
    #[arg(long = "report", value_name = "FORMAT=FILE")]
    pub reports: Vec<String>,
    /// Rows of the matrix to show
    #[arg(long, value_enum, default_value_t)]
    pub matrix: MatrixArg,
    /// Print every planned request, send none
    #[arg(long)]
    pub plan: bool,
    /// Record who can do what in authz.lock, beside authz.yaml; every later run is held against it
    #[arg(long)]
    pub accept: bool,
    /// Leave a stack that the test started running
    #[arg(long)]
    pub keep: bool,
    /// Makes generated markers repeatable
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Result on standard output as text or as the JSON report
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Something else than a run.
#[derive(Debug, Subcommand)]
pub enum TestAction {
    /// Run one finding or case of the last run again and show every exchange
    Replay(Replay),
    /// Draft the access rules from the OpenAPI document and the personas; every guess is marked
    Init(Init),
    /// Accept a finding until a day, in authz.yaml
    Waive(Waive),
    /// Keep a finding as a named regression: its case must be asked, and pass, ever after
    Pin(Pin),
    /// Take a pinned case out again
    Unpin(Unpin),
    /// Make one report of those of all shards
    Merge(Merge),
    /// Open the deliberate flaws of the API one by one: does each give a finding?
    Mutations(Mutations),
}

/// `devenv test replay`.
#[derive(Debug, Args)]
pub struct Replay {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Id of a finding or of a case, as reports print it
    pub id: String,
    /// The API of that run, when it was not a stack
    #[arg(long, value_name = "URL")]
    pub target: Option<String>,
    /// Who may do what of that API [default: authz.yaml in --dir]
    #[arg(long, value_name = "FILE", requires = "target")]
    pub rules: Option<PathBuf>,
    /// Commit that files are compared with [default: HEAD]
    #[arg(long, value_name = "REV")]
    pub base: Option<String>,
    /// A JSON report to take it from, instead of the last run here
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Leave a stack that this started running
    #[arg(long)]
    pub keep: bool,
    /// For people or as JSON
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv test init`.
#[derive(Debug, Args)]
pub struct Init {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// The OpenAPI document; without it, the usual places are looked at
    #[arg(long, value_name = "FILE")]
    pub openapi: Option<PathBuf>,
    /// Where to write; nothing is overwritten; `-` prints
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Progress as text or JSON lines
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv test waive`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: devenv test waive object-access:readOrder --reason 'gateway in March' --until 2027-03-31"
)]
pub struct Waive {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Id of the finding, as reports print it
    #[arg(required_unless_present = "list")]
    pub finding: Option<String>,
    /// Why the team lives with it
    #[arg(long, value_name = "TEXT", required_unless_present = "list")]
    pub reason: Option<String>,
    /// The last day on which it holds
    #[arg(long, value_name = "YYYY-MM-DD", required_unless_present = "list")]
    pub until: Option<String>,
    /// Show all waivers instead
    #[arg(long, conflicts_with_all = ["finding", "reason", "until"])]
    pub list: bool,
    /// A table or a JSON array
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv test pin`.
#[derive(Debug, Args)]
#[command(after_help = "Example: devenv test pin object-access:readOrder --name 'orders of the neighbour, March 2027'")]
pub struct Pin {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Id of a finding or of a case, as reports print it
    pub id: String,
    /// What people call it [default: what the finding says]
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// A JSON report to take it from, instead of the last run here
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// For people or as JSON
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv test unpin`.
#[derive(Debug, Args)]
pub struct Unpin {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Name of the pinned case, or its id
    pub name: String,
    /// For people or as JSON
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv test merge`.
#[derive(Debug, Args)]
#[command(after_help = "Example: devenv test merge reports/*.json --report markdown=summary.md")]
pub struct Merge {
    /// JSON reports, one of each shard
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write the whole: json or markdown, e.g. `--report json=run.json`
    #[arg(long = "report", value_name = "FORMAT=FILE")]
    pub reports: Vec<String>,
    /// As Markdown or as the JSON report
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `devenv test mutations`.
#[derive(Debug, Args)]
pub struct Mutations {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap takes the first paragraph for the help of the group")]
    pub stack: StackArgs,
    /// Only these flaws
    #[arg(long = "only", value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
    /// A table or one JSON value
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `--tier`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TierArg {
    /// Exploits
    #[default]
    #[value(name = "E")]
    Exploit,
    /// Exploits and deviations from the profiles of the RFCs
    #[value(name = "P")]
    Profile,
    /// Everything
    #[value(name = "H")]
    Hardening,
}

/// `--matrix`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum MatrixArg {
    /// All rows of a small API; of a large one, those that are not as expected
    #[default]
    Auto,
    /// All rows
    All,
    /// Rows that are not as expected
    Interesting,
    /// No matrix
    None,
}

impl Test {
    /// The format of whatever was asked for.
    #[must_use]
    pub fn format(&self) -> Format {
        match &self.action {
            None => self.format,
            Some(TestAction::Replay(args)) => args.format,
            Some(TestAction::Init(args)) => args.format,
            Some(TestAction::Waive(args)) => args.format,
            Some(TestAction::Pin(args)) => args.format,
            Some(TestAction::Unpin(args)) => args.format,
            Some(TestAction::Merge(args)) => args.format,
            Some(TestAction::Mutations(args)) => args.format,
        }
    }
}

fn shard(text: &str) -> Result<Shard, String> {
    Shard::parse(text).ok_or_else(|| "write which of how many, e.g. `2/4`".to_owned())
}

/// `2s`, `500ms`, `1.5s`, `1m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0)];
    let (number, factor) = units
        .iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))
        .ok_or("write a number with its unit, e.g. `2s` or `500ms`")?;
    let number: f64 = number.trim().parse().map_err(|_| format!("`{number}` is not a number"))?;
    let duration = Duration::try_from_secs_f64(number * factor).map_err(|error| error.to_string())?;
    if duration.is_zero() { Err("nothing can be done in no time".to_owned()) } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let millis = ["2s", "500ms", "1.5s", "1m"].map(|text| duration(text).unwrap().as_millis());
        assert_eq!(millis, [2_000, 500, 1_500, 60_000]);
        assert!(["2", "s", "-1s", "0s", "1h", "NaNs"].iter().all(|text| duration(text).is_err()));
    }
}
