//! `devenv test replay ID`: one finding or case of the last run again, every exchange shown. Is it still there?

use serde_json::{Value, json};

use security_tests::verdict::{Layer, Outcome};
use security_tests::{Options, Run, report};

use super::{Done, Job, reports, test};
use crate::cli::{Format, Replay};
use crate::commands::Failure;
use crate::commands::interrupt::Interrupts;
use crate::commands::session::Session;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::ui::{self, Ui};

pub(super) async fn run(args: Replay, interrupts: Interrupts) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = replay(&args, ui.reporter(), interrupts).await;
    ui.finish().await;
    let (recorded, run) = result?;
    let now = Now::of(&recorded, &run);
    match args.format {
        Format::Json => ui::print(&now.json(&recorded, &run).to_string()),
        Format::Text => ui::print_apart(&now.text(&recorded, &run)),
    }
    Ok(now.exit())
}

async fn replay(args: &Replay, reporter: &Reporter, interrupts: Interrupts) -> Result<(Recorded, Run), Failure> {
    let session = Session::open(&args.stack, reporter)?;
    let path = args.report.clone().unwrap_or_else(|| reports::last_run(&session.project));
    let recorded = Recorded::find(&read(&path, args.report.is_none())?, &args.id)?;
    let now = jiff::Timestamp::now();
    let options = Options {
        only: recorded.cases.clone(),
        layers: recorded.layers.clone(),
        seed: now.as_microsecond().unsigned_abs(),
        started_at: now.to_string(),
        ..Options::default()
    };
    let job = Job {
        stack: &args.stack,
        options,
        reports: vec![],
        plan: None,
        keep: args.keep,
        remember: false,
        accept: false,
        base: None,
        target: None,
    };
    match test(&job, reporter, interrupts).await? {
        Done::Tested(run) => Ok((recorded, *run)),
        Done::Planned(_) => Err(Failure::new(Exit::World, "a plan has no answers")),
    }
}

fn read(path: &std::path::Path, is_last: bool) -> Result<Value, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| match is_last {
        true if error.kind() == std::io::ErrorKind::NotFound => Failure::with_help(
            Exit::Usage,
            "no run of this project is remembered",
            "`devenv test` first, or name a JSON report with --report",
        ),
        _ => Failure::new(Exit::Usage, format!("cannot read {}: {error}", path.display())),
    })?;
    let report: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::new(Exit::Usage, format!("{} is no JSON report: {error}", path.display())))?;
    if report.get("schema") == Some(&json!("devenv.run/1")) {
        return Ok(report);
    }
    Err(Failure::new(Exit::Usage, format!("{} is no report of `devenv test` (schema devenv.run/1)", path.display())))
}

/// What the report says about a finding or a case.
#[derive(Debug)]
struct Recorded {
    title: String,
    cases: Vec<String>,
    layers: Vec<Layer>,
    outcome: String,
    reason: String,
    status: Option<u64>,
    started_at: String,
}

impl Recorded {
    fn find(report: &Value, id: &str) -> Result<Self, Failure> {
        let list = |key: &str| report.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (findings, cases) = (list("findings"), list("cases"));
        let finding = findings.iter().find(|finding| text(finding, "id") == id);
        let ids: Vec<String> = match finding.and_then(|finding| finding.get("cases")?.as_array()) {
            Some(ids) => ids.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect(),
            None => vec![id.to_owned()],
        };
        let of_these: Vec<&Value> = cases.iter().filter(|case| ids.contains(&text(case, "id"))).collect();
        let Some(first) = of_these.iter().find(|case| text(case, "outcome") == "fail").or(of_these.first()) else {
            let known: Vec<String> = findings.iter().map(|finding| text(finding, "id")).collect();
            let help = if known.is_empty() {
                "the run has no findings".to_owned()
            } else {
                format!("findings: {}", known.join(", "))
            };
            return Err(Failure::with_help(Exit::Usage, format!("the run has no finding and no case `{id}`"), help));
        };
        let mut layers: Vec<Layer> = of_these.iter().filter_map(|case| Layer::parse(&text(case, "layer"))).collect();
        layers.sort_unstable();
        layers.dedup();
        Ok(Self {
            title: finding.map_or_else(|| id.to_owned(), |finding| format!("{} [{id}]", text(finding, "title"))),
            outcome: text(first, "outcome"),
            reason: text(first, "reason"),
            status: first.get("status").and_then(Value::as_u64),
            started_at: report.pointer("/run/started_at").and_then(Value::as_str).unwrap_or_default().to_owned(),
            cases: ids,
            layers,
        })
    }

    fn was_defect(&self) -> bool {
        matches!(self.outcome.as_str(), "fail" | "server-error" | "unproven")
    }
}

/// What a second look says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Now {
    Defect,
    Sound,
    Unknown,
}

impl Now {
    fn of(recorded: &Recorded, run: &Run) -> Self {
        let cases = || run.cases.iter().filter(|case| recorded.cases.contains(&case.id));
        if cases().any(|case| matches!(case.outcome, Outcome::Fail(..) | Outcome::ServerError(_))) {
            Self::Defect
        } else if cases().count() > 0 && cases().all(|case| matches!(case.outcome, Outcome::Pass(_))) {
            Self::Sound
        } else {
            Self::Unknown
        }
    }

    fn exit(self) -> Exit {
        match self {
            Self::Defect => Exit::Findings,
            Self::Sound => Exit::Success,
            Self::Unknown => Exit::Inconclusive,
        }
    }

    fn words(self, recorded: &Recorded) -> &'static str {
        match (self, recorded.was_defect()) {
            (Self::Defect, true) => "still there",
            (Self::Defect, false) => "new: it was not there in the recorded run",
            (Self::Sound, true) => "gone",
            (Self::Sound, false) => "as expected, as before",
            (Self::Unknown, _) => "cannot tell",
        }
    }

    fn text(self, recorded: &Recorded, run: &Run) -> String {
        let shown = |status: Option<u64>| status.map_or_else(String::new, |status| format!(" ({status})"));
        let (outcome, reason, status) = told(recorded, run);
        format!(
            "{}\n\n{}recorded  {}: {}{}\nnow       {outcome}: {reason}{}\n\n{}",
            recorded.title,
            report::transcript(run),
            recorded.outcome,
            recorded.reason,
            shown(recorded.status),
            shown(status),
            self.words(recorded),
        )
    }

    fn json(self, recorded: &Recorded, run: &Run) -> Value {
        let (outcome, reason, status) = told(recorded, run);
        json!({
            "schema": "devenv.replay/1",
            "verdict": match self { Self::Defect => "still-there", Self::Sound => "gone", Self::Unknown => "unknown" },
            "recorded": { "outcome": recorded.outcome, "reason": recorded.reason, "status": recorded.status, "started_at": recorded.started_at },
            "now": { "outcome": outcome, "reason": reason, "status": status },
            "run": report::json(run),
        })
    }
}

/// The case that says most: outcome, reason, status of the request in question.
fn told(recorded: &Recorded, run: &Run) -> (String, String, Option<u64>) {
    let report = report::json(run);
    let cases = report.get("cases").and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |case: &Value, key: &str| case.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let ours: Vec<&Value> = cases.iter().filter(|case| recorded.cases.contains(&text(case, "id"))).collect();
    let worst = |wanted: &str| ours.iter().find(|case| text(case, "outcome") == wanted);
    let first = ["fail", "server-error", "unproven", "inconclusive"].into_iter().find_map(worst).or(ours.first());
    match first {
        Some(case) => (text(case, "outcome"), text(case, "reason"), case.get("status").and_then(Value::as_u64)),
        None => ("not run".to_owned(), "the plan has no such case any more".to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Value {
        json!({"schema": "devenv.run/1", "run": {"started_at": "2026-11-22T10:00:00Z"},
            "findings": [{"id": "object-access:read", "title": "GET /x leaks", "cases": ["a", "b"]}],
            "cases": [{"id": "a", "layer": "access", "outcome": "pass", "reason": "refused", "status": 404},
                      {"id": "b", "layer": "access", "outcome": "fail", "reason": "a marker", "status": 200}]})
    }

    #[test]
    fn a_finding_is_found_with_its_cases_and_the_one_that_failed() {
        let recorded = Recorded::find(&report(), "object-access:read").unwrap();
        assert_eq!((recorded.cases.as_slice(), recorded.status), (&["a".to_owned(), "b".to_owned()][..], Some(200)));
        assert_eq!((recorded.layers, recorded.reason.as_str()), (vec![Layer::Access], "a marker"));
    }

    #[test]
    fn a_case_can_be_named_and_what_is_not_there_says_what_is() {
        assert_eq!(Recorded::find(&report(), "a").unwrap().outcome, "pass");
        let failure = Recorded::find(&report(), "c").unwrap_err().render(false);
        assert!(failure.contains("no finding and no case `c`") && failure.contains("object-access:read"), "{failure}");
    }
}
