//! `devenv test mutations`: opens the deliberate flaws of the API one by one, each on the stack that is up, and counts
//! those that the tests find.

use std::process::Stdio;

use serde_json::{Value, json};

use security_tests::{Options, Run, Verdict};

use super::stack::{clean_up, on_stack};
use crate::cli::{Format, Mutations as Args};
use crate::commands::interrupt::Interrupts;
use crate::commands::rules::{Rules, load_rules};
use crate::commands::session::{Prepared, Session};
use crate::commands::{Failure, running};
use crate::event::{Event, Reporter};
use crate::exit::Exit;
use crate::manifest::authz::Mutations;
use crate::plan::Source;
use crate::stack::Depth;
use crate::ui::{self, Table, Ui};

pub(super) async fn run(args: Args, interrupts: Interrupts) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = mutate(&args, ui.reporter(), interrupts).await;
    ui.finish().await;
    let trials = result?;
    match args.format {
        Format::Json => ui::print(&as_json(&trials).to_string()),
        Format::Text => ui::print_apart(&as_text(&trials)),
    }
    Ok(exit_of(&trials))
}

/// One flaw as the API lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Flaw {
    name: String,
    /// Check that should find it, and operation, when the list says so.
    check: Option<String>,
    operation: Option<String>,
    owasp: Option<String>,
}

/// A flaw and what the tests said.
#[derive(Clone, Debug)]
struct Trial {
    flaw: Flaw,
    status: Status,
    /// Each as `check operation owasp`.
    findings: Vec<[String; 3]>,
    /// Why nothing is proven.
    reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// Found where the list says, and nothing else.
    Killed,
    /// Found, but elsewhere, or with something beside it.
    KilledElsewhere,
    Survived,
    Inconclusive,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::KilledElsewhere => "killed elsewhere",
            Self::Survived => "survived",
            Self::Inconclusive => "inconclusive",
        }
    }

    fn is_kill(self) -> bool {
        matches!(self, Self::Killed | Self::KilledElsewhere)
    }
}

async fn mutate(args: &Args, reporter: &Reporter, mut interrupts: Interrupts) -> Result<Vec<Trial>, Failure> {
    let mut session = Session::open(&args.stack, reporter)?;
    let Some(mutations) = load_rules(&session, reporter)?.mutations else {
        let help = "add `mutations: { command: PROGRAM, variable: NAME }` to the access rules (docs/checks.md)";
        return Err(Failure::with_help(Exit::Usage, "the access rules name no mutations", help));
    };
    let _lock = session.lock_for_up("test", reporter)?;
    // Built first: the program that lists the flaws is usually the one that the stack runs.
    let sound = Session::open_with(&args.stack, Some((&mutations.variable, "")), reporter)?;
    let prepared = tokio::select! {
        prepared = sound.prepare(Depth::Full, reporter) => prepared?,
        () = interrupts.next() => return Err(Failure::Interrupted),
    };
    let was_up = running::is_up(&prepared.engine.observe(&session.project).await?);
    let result = trials(args, (&session, &mutations), (&sound, &prepared), (reporter, &mut interrupts)).await;
    if was_up {
        // As it was found: with whatever the variable says outside.
        let before = session.prepare(Depth::Full, reporter).await?;
        running::bring_up(&session, &before, std::collections::BTreeSet::new(), reporter).await?;
    } else {
        clean_up(&session, &prepared, result.is_err(), (reporter, &mut interrupts)).await?;
    }
    result
}

async fn trials(
    args: &Args,
    (session, mutations): (&Session, &Mutations),
    (sound, prepared): (&Session, &Prepared),
    (reporter, interrupts): (&Reporter, &mut Interrupts),
) -> Result<Vec<Trial>, Failure> {
    let listed = tokio::select! {
        listed = list(session, mutations, prepared) => listed?,
        () = interrupts.next() => return Err(Failure::Interrupted),
    };
    let flaws = chosen(listed, &args.only)?;
    let run = on_stack((sound, prepared), rules(sound, reporter)?, &options(), (reporter, interrupts)).await?;
    if run.verdict() != Verdict::Pass {
        return Err(unsound(&run));
    }
    let mut trials = Vec::new();
    for (number, flaw) in flaws.iter().enumerate() {
        let message = format!("flaw {} of {}: {}", number + 1, flaws.len(), flaw.name);
        reporter.report(Event::Note { message });
        let flawed = Session::open_with(&args.stack, Some((&mutations.variable, &flaw.name)), reporter)?;
        let prepared = tokio::select! {
            prepared = flawed.prepare(Depth::Full, reporter) => prepared?,
            () = interrupts.next() => return Err(Failure::Interrupted),
        };
        let rules = rules(&flawed, reporter)?;
        let run = on_stack((&flawed, &prepared), rules, &options(), (reporter, interrupts)).await?;
        trials.push(judge(flaw.clone(), &run));
    }
    Ok(trials)
}

/// Without waivers: a finding that the team lives with is found all the same.
fn rules(session: &Session, reporter: &Reporter) -> Result<Rules, Failure> {
    let mut rules = load_rules(session, reporter)?;
    rules.access.waivers.clear();
    Ok(rules)
}

fn options() -> Options {
    let now = jiff::Timestamp::now();
    Options { seed: now.as_microsecond().unsigned_abs(), started_at: now.to_string(), ..Options::default() }
}

fn unsound(run: &Run) -> Failure {
    let findings: Vec<&str> = run.findings.iter().map(|finding| finding.id.as_str()).collect();
    let why = match run.verdict() {
        Verdict::Fail => format!("it already has findings: {}", findings.join(", ")),
        _ => format!("nothing is proven: {}", run.open_questions().first().map_or("", |(reason, _)| reason)),
    };
    let exit = if run.verdict() == Verdict::Fail { Exit::Findings } else { Exit::Inconclusive };
    Failure::with_help(exit, format!("without any flaw, {why}"), "mend that first: `devenv test`")
}

/// Asks the API for its flaws.
async fn list(session: &Session, mutations: &Mutations, prepared: &Prepared) -> Result<Vec<Flaw>, Failure> {
    let words = match &mutations.service {
        None => mutations.command.clone(),
        Some(service) => [vec![program_of(service, prepared)?], mutations.command.clone()].concat(),
    };
    let shown = words.join(" ");
    let failed = |why: String| Failure::new(Exit::World, format!("`{shown}` does not list flaws: {why}"));
    let (program, arguments) = words.split_first().ok_or_else(|| failed("it is empty".to_owned()))?;
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).current_dir(&session.project.directory).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let last = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
        return Err(failed(format!("{}: {last}", output.status)));
    }
    flaws(&output.stdout).map_err(failed)
}

/// The program of a `binary:` service, as the stack runs it.
fn program_of(service: &str, prepared: &Prepared) -> Result<String, Failure> {
    match prepared.plan.services.get(service).map(|service| &service.source) {
        Some(Source::Executable { executable } | Source::Packaged { executable }) => {
            Ok(executable.path.display().to_string())
        }
        Some(Source::Image { .. } | Source::Built(_) | Source::Process) | None => Err(Failure::with_help(
            Exit::Usage,
            format!("`mutations.service`: `{service}` is no service with a `binary:` on this engine"),
            "name another, or write the whole command without `service`",
        )),
    }
}

/// A JSON list of names, or of objects with a `name` and, when they say so, `check` and `operation`.
fn flaws(text: &[u8]) -> Result<Vec<Flaw>, String> {
    let listed: Vec<Value> = serde_json::from_slice(text).map_err(|error| format!("no JSON list: {error}"))?;
    let flaw = |value: &Value| {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let name = value.as_str().map(str::to_owned).or_else(|| text("name"));
        let name = name.ok_or_else(|| format!("an entry has no name: {value}"))?;
        Ok(Flaw { name, check: text("check"), operation: text("operation"), owasp: text("owasp") })
    };
    let flaws: Vec<Flaw> = listed.iter().map(flaw).collect::<Result<_, String>>()?;
    if flaws.is_empty() { Err("the list is empty".to_owned()) } else { Ok(flaws) }
}

fn chosen(flaws: Vec<Flaw>, only: &[String]) -> Result<Vec<Flaw>, Failure> {
    if let Some(unknown) = only.iter().find(|name| !flaws.iter().any(|flaw| flaw.name == **name)) {
        let known: Vec<&str> = flaws.iter().map(|flaw| flaw.name.as_str()).collect();
        return Err(Failure::with_help(
            Exit::Usage,
            format!("no flaw `{unknown}`"),
            format!("there are {}", known.join(", ")),
        ));
    }
    Ok(flaws.into_iter().filter(|flaw| only.is_empty() || only.contains(&flaw.name)).collect())
}

fn judge(flaw: Flaw, run: &Run) -> Trial {
    let findings: Vec<[String; 3]> = run
        .findings
        .iter()
        .map(|finding| [finding.check.to_owned(), finding.operation.clone(), finding.owasp.to_owned()])
        .collect();
    let as_listed = |found: &[String; 3]| {
        let wanted = [&flaw.check, &flaw.operation, &flaw.owasp];
        wanted.into_iter().zip(found).all(|(wanted, found)| wanted.as_ref().is_none_or(|wanted| wanted == found))
    };
    let status = match (run.verdict(), findings.as_slice()) {
        (Verdict::Fail, [one]) if as_listed(one) => Status::Killed,
        (Verdict::Fail, _) => Status::KilledElsewhere,
        (Verdict::Pass, _) => Status::Survived,
        (Verdict::Inconclusive, _) => Status::Inconclusive,
    };
    let reason = run.open_questions().into_iter().next().map_or_else(String::new, |(reason, _)| reason);
    Trial { flaw, status, findings, reason }
}

fn score(trials: &[Trial]) -> (usize, usize) {
    (trials.iter().filter(|trial| trial.status.is_kill()).count(), trials.len())
}

fn as_text(trials: &[Trial]) -> String {
    let mut table = Table::new(&["flaw", "status", "finding"]);
    for trial in trials {
        let finding = |[check, operation, _]: &[String; 3]| format!("{check} on {operation}");
        let found = match trial.status {
            Status::Inconclusive => trial.reason.clone(),
            _ => trial.findings.iter().map(finding).collect::<Vec<_>>().join("; "),
        };
        table.row([trial.flaw.name.clone(), trial.status.as_str().to_owned(), found]);
    }
    let (killed, all) = score(trials);
    let percent = (killed * 100).checked_div(all).unwrap_or(0);
    format!("{}\n\nmutation score: {killed} of {all} flaws killed ({percent} %)", table.render())
}

fn as_json(trials: &[Trial]) -> Value {
    let (killed, all) = score(trials);
    let trial = |trial: &Trial| {
        json!({
            "flaw": trial.flaw.name,
            "status": trial.status.as_str().replace(' ', "-"),
            "expected": { "check": trial.flaw.check, "operation": trial.flaw.operation, "owasp": trial.flaw.owasp },
            "findings": trial.findings.iter().map(|[check, operation, owasp]| {
                json!({ "check": check, "operation": operation, "owasp": owasp })
            }).collect::<Vec<_>>(),
        })
    };
    json!({
        "schema": "devenv.mutations/1",
        "killed": killed,
        "flaws": all,
        "trials": trials.iter().map(trial).collect::<Vec<_>>(),
    })
}

fn exit_of(trials: &[Trial]) -> Exit {
    if trials.iter().any(|trial| trial.status == Status::Survived) {
        Exit::Findings
    } else if trials.iter().any(|trial| trial.status == Status::Inconclusive) {
        Exit::Inconclusive
    } else {
        Exit::Success
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flaws_are_names_or_objects() {
        let listed = flaws(br#"["a", {"name": "b", "check": "c", "operation": "GET /d"}]"#).unwrap();
        assert_eq!(listed[0], Flaw { name: "a".into(), ..Flaw::default() });
        assert_eq!(listed[1].operation.as_deref(), Some("GET /d"));
        assert!(flaws(b"[]").is_err() && flaws(b"[{}]").is_err() && flaws(b"usage").is_err());
    }

    #[test]
    fn the_score_counts_what_was_found_and_a_survivor_fails() {
        let trial = |name: &str, status, findings: &[[&str; 3]]| Trial {
            flaw: Flaw { name: name.into(), ..Flaw::default() },
            status,
            findings: findings.iter().map(|finding| finding.map(String::from)).collect(),
            reason: String::new(),
        };
        let killed = trial("object-read", Status::Killed, &[["object-access", "GET /orders/{id}", "API1:2023"]]);
        let trials = [killed, trial("stale-role", Status::Survived, &[])];
        let expected = "FLAW         STATUS    FINDING\nobject-read  killed    object-access on GET /orders/{id}\nstale-role   survived\n
mutation score: 1 of 2 flaws killed (50 %)";
        assert_eq!(as_text(&trials), expected);
        assert_eq!((exit_of(&trials), exit_of(&trials[..1])), (Exit::Findings, Exit::Success));
    }
}
