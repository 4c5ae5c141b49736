//! Before a push: everything, on each commit that is pushed. In the work tree when it is that commit; otherwise in a copy of
//! it, with a stack of its own.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use security_tests::Verdict;
use serde_json::Value;
use tokio::process::Command;

use super::candidate::link_dot_env;
use super::commit::Job;
use super::mode;
use super::report::Report;
use crate::cli::{EngineArg, Format, HookRun};
use crate::commands::Failure;
use crate::commands::interrupt::Interrupts;
use crate::commands::rules::load_rules;
use crate::commands::session::Session;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::git::notes::Scope;
use crate::git::{LOCAL_VARIABLES, Scratch, Staged};
use crate::stack::{self, Record};

/// What git says about one reference that is pushed is a line; more than this is nonsense.
const MOST_INPUT: u64 = 1 << 20;

pub(super) async fn run(args: &HookRun, mut interrupts: Interrupts) -> Result<Exit, Failure> {
    let job = Job::new(args)?;
    let mut report = Report::new(args, mode(args, &job.repository)?);
    let commits = pushed(&job)?;
    if commits.is_empty() {
        report.part("select", "nothing: no commit is pushed", Duration::ZERO);
    }
    for commit in commits {
        check(&job, &commit, (&mut report, &mut interrupts)).await?;
    }
    Ok(report.conclude())
}

/// The commits that git names on standard input (githooks(5), "pre-push"); by hand, the last one.
fn pushed(job: &Job<'_>) -> Result<Vec<String>, Failure> {
    let mut text = String::new();
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        stdin.take(MOST_INPUT).read_to_string(&mut text)?;
    }
    let mut named: Vec<String> = named_in(&text);
    if text.trim().is_empty() {
        // pre-commit.com keeps git's lines for itself and hands over the commit so.
        let to = std::env::var("PRE_COMMIT_TO_REF").ok();
        let by_hand = std::io::stdin().is_terminal().then(|| "HEAD".to_owned());
        named.extend(to.or(by_hand));
    }
    let mut commits = Vec::new();
    for name in named {
        // A tag of something that is no commit holds nothing to test.
        commits.extend(job.repository.object(&format!("{name}^{{commit}}"))?);
    }
    commits.dedup();
    Ok(commits)
}

/// `<local ref> <local object> <remote ref> <remote object>`; zeros for a reference that is deleted.
fn named_in(text: &str) -> Vec<String> {
    let object = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
    let objects = text.lines().filter_map(object).filter(|object| object.chars().any(|c| c != '0'));
    objects.collect::<BTreeSet<_>>().into_iter().collect()
}

async fn check(
    job: &Job<'_>,
    commit: &str,
    (report, interrupts): (&mut Report, &mut Interrupts),
) -> Result<(), Failure> {
    let begun = Instant::now();
    let short: String = commit.chars().take(10).collect();
    let tree = job.repository.tree_or_empty(commit)?;
    if job.is_verified(&tree, &Scope::Everything)? {
        report.part("verified", &format!("{short}: this very tree passed everything before"), begun.elapsed());
        return Ok(());
    }
    match place(job, &tree)? {
        Place::Here => in_work_tree(job, (&tree, &short), (report, interrupts)).await,
        Place::Copy(scratch) => {
            report.part("copy", &format!("{short}, because the work tree is not that commit"), begun.elapsed());
            in_copy(job, (&tree, &short, scratch), (report, interrupts)).await
        }
        Place::Blocked(why) => {
            report.not_run("stack", &format!("{short}: {why}"), begun.elapsed());
            report.worsen(Verdict::Inconclusive);
            Ok(())
        }
    }
}

async fn in_work_tree(
    job: &Job<'_>,
    (tree, short): (&str, &str),
    (report, interrupts): (&mut Report, &mut Interrupts),
) -> Result<(), Failure> {
    let begun = Instant::now();
    let run = Run { directory: job.stack.dir.clone(), state: None, target: None };
    let verdict = test(job, &run, (report, interrupts)).await?;
    report.part("tests", &format!("{short}: everything, in the work tree"), begun.elapsed());
    // What was edited while the tests ran is not what was pushed.
    if !matches!(place(job, tree)?, Place::Here) {
        report.not_run("tests", &format!("{short}: files changed while the tests ran"), begun.elapsed());
        report.worsen(Verdict::Inconclusive);
    } else if verdict == Verdict::Pass {
        job.remember(tree, (Scope::Everything, until(job, &run.directory)));
    }
    Ok(())
}

async fn in_copy(
    job: &Job<'_>,
    (tree, short, scratch): (&str, &str, Box<(Staged, Scratch)>),
    (report, interrupts): (&mut Report, &mut Interrupts),
) -> Result<(), Failure> {
    let begun = Instant::now();
    let (staged, state) = *scratch;
    let files = job.repository.files(tree)?;
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let directory = staged.export(&job.repository, (tree, "whole"), &files)?.join(&job.repository.prefix);
    if !stack::locate(&directory, &job.stack.file).is_ok_and(|located| located.directory.starts_with(&directory)) {
        report.part("select", &format!("{short}: nothing, it has no devenv.yaml"), begun.elapsed());
        return Ok(());
    }
    link_dot_env(&job.repository, &directory)?;
    let target = job.repository.common.join("devenv/target");
    let run = Run { directory, state: Some(state.path().to_path_buf()), target: Some(target) };
    let verdict = test(job, &run, (report, interrupts)).await?;
    report.part("tests", &format!("{short}: everything, in a copy"), begun.elapsed());
    if verdict == Verdict::Pass {
        job.remember(tree, (Scope::Everything, until(job, &run.directory)));
    }
    Ok(())
}

/// Where a commit can be tested.
enum Place {
    /// The work tree is that commit.
    Here,
    Copy(Box<(Staged, Scratch)>),
    Blocked(String),
}

fn place(job: &Job<'_>, tree: &str) -> Result<Place, Failure> {
    let staged = Staged::of(&job.repository)?;
    let beside = staged.beside(&job.repository)?;
    if staged.tree == tree && beside.changed.is_empty() && beside.untracked.is_empty() {
        return Ok(Place::Here);
    }
    let (reporter, _events) = Reporter::channel();
    let up = Session::open(&job.stack, &reporter).is_ok_and(|session| Record::read(&session.project).is_some());
    if up {
        let why = "the work tree is not that commit, and its stack is up and has the ports; `devenv down`, or stash what \
                   differs, and push again";
        return Ok(Place::Blocked(why.to_owned()));
    }
    Ok(Place::Copy(Box::new((staged, Scratch::new()?))))
}

/// One `devenv test`.
struct Run {
    directory: PathBuf,
    /// A state directory of its own.
    state: Option<PathBuf>,
    /// Where cargo keeps what it built of commits that are not checked out.
    target: Option<PathBuf>,
}

/// Runs `devenv test` as a process of its own: what a copy needs of the environment is not what this process has.
async fn test(
    job: &Job<'_>,
    run: &Run,
    (report, interrupts): (&mut Report, &mut Interrupts),
) -> Result<Verdict, Failure> {
    let mut command = command(job, run)?;
    let json = job.args.format == Format::Json;
    command.stdout(if json { Stdio::piped() } else { Stdio::inherit() });
    let output = {
        let child = command.spawn()?.wait_with_output();
        tokio::pin!(child);
        // A terminal interrupts both: the tests put back what they changed, and then end.
        let mut interrupted = false;
        loop {
            tokio::select! {
                output = &mut child => break if interrupted { Err(Failure::Interrupted) } else { Ok(output?) },
                () = interrupts.next() => interrupted = true,
            }
        }?
    };
    let verdict = match output.status.code() {
        Some(0) => Verdict::Pass,
        Some(1) => Verdict::Fail,
        Some(130) => return Err(Failure::Interrupted),
        Some(_) | None => Verdict::Inconclusive,
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok());
    report.ran_elsewhere(verdict, last);
    Ok(verdict)
}

fn command(job: &Job<'_>, run: &Run) -> Result<Command, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("test").arg("--dir").arg(&run.directory).args(["--matrix", "interesting"]);
    let engine = match job.stack.engine {
        EngineArg::Auto => "auto",
        EngineArg::Docker => "docker",
        EngineArg::Embedded => "embedded",
    };
    command.args(["--engine", engine]);
    job.stack.file.iter().for_each(|file| {
        command.arg("--file").arg(file);
    });
    job.stack.profiles.iter().for_each(|profile| {
        command.args(["--profile", profile]);
    });
    if job.args.format == Format::Json {
        command.args(["--format", "json"]);
    }
    LOCAL_VARIABLES.iter().for_each(|name| {
        command.env_remove(name);
    });
    if let Some(state) = &run.state {
        command.env("XDG_STATE_HOME", state);
    }
    if let Some(target) = run.target.as_ref().filter(|_| std::env::var_os("CARGO_TARGET_DIR").is_none()) {
        command.env("CARGO_TARGET_DIR", target);
    }
    command.stdin(Stdio::null());
    Ok(command)
}

/// When a waiver of what was tested ends.
fn until(job: &Job<'_>, directory: &std::path::Path) -> Option<String> {
    let (reporter, _events) = Reporter::channel();
    let args = crate::cli::StackArgs { dir: directory.to_path_buf(), ..job.stack.clone() };
    let session = Session::open(&args, &reporter).ok()?;
    let rules = load_rules(&session, &reporter).ok()?;
    rules.access.waivers.iter().map(|waiver| waiver.expires.clone()).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pushed_object_is_named_once_and_deleted_references_are_not() {
        let text = "refs/heads/a 1234 refs/heads/a 0000\n(delete) 0000 refs/heads/b 5678\n\nrefs/tags/t 1234 refs/tags/t 0000\n";
        assert_eq!(named_in(text), ["1234"]);
    }
}
