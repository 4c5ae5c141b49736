//! `devenv test pin` and `unpin`: a finding's best case as a named regression of the access rules, and out of them again.

use security_tests::access::Regression;
use security_tests::checks::{self, Work};
use serde_json::{Value, json};

use super::{edit, replay, reports};
use crate::cli::{Format, Pin, Unpin};
use crate::commands::Failure;
use crate::commands::rules::{check_rules, load_rules};
use crate::commands::session::Session;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::manifest::SourceFile;
use crate::ui::{self, Ui};

const KEY: &str = "regressions";

pub(super) async fn run(args: &Pin) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = pin(args, ui.reporter());
    ui.finish().await;
    ui::print(&result?);
    Ok(Exit::Success)
}

pub(super) async fn take_out(args: &Unpin) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = unpin(args, ui.reporter());
    ui.finish().await;
    ui::print(&result?);
    Ok(Exit::Success)
}

fn pin(args: &Pin, reporter: &Reporter) -> Result<String, Failure> {
    let session = Session::open(&args.stack, reporter)?;
    let path = args.report.clone().unwrap_or_else(|| reports::last_run(&session.project));
    let best = Best::find(&replay::read(&path, args.report.is_none())?, &args.id)?;
    let mut regressions = load_rules(&session, reporter)?.access.regressions;
    let name = args.name.clone().unwrap_or(best.title).trim().to_owned();
    let since = jiff::Timestamp::now().to_string().get(..10).unwrap_or_default().to_owned();
    let regression = Regression { name, case: best.case, since };
    check(&regression, &regressions)?;
    let item = item(&regression);
    let told = told(args.format, &regression, "pinned");
    regressions.push(regression);
    write(
        &session,
        reporter,
        (&|text| edit::append(text, KEY, &item), &regressions),
        &format!("add it by hand: {item}"),
    )?;
    Ok(told)
}

fn unpin(args: &Unpin, reporter: &Reporter) -> Result<String, Failure> {
    let session = Session::open(&args.stack, reporter)?;
    let mut regressions = load_rules(&session, reporter)?.access.regressions;
    let is_it = |pinned: &Regression| pinned.name == args.name || pinned.case == args.name;
    let Some(index) = regressions.iter().position(is_it) else {
        let names: Vec<&str> = regressions.iter().map(|pinned| pinned.name.as_str()).collect();
        let help =
            if names.is_empty() { "nothing is pinned".to_owned() } else { format!("pinned: {}", names.join(", ")) };
        return Err(Failure::with_help(Exit::Usage, format!("nothing is pinned as `{}`", args.name), help));
    };
    let told = told(args.format, &regressions.remove(index), "unpinned");
    write(&session, reporter, (&|text| edit::remove(text, KEY, index), &regressions), "take it out by hand")?;
    Ok(told)
}

/// An edit of a text.
type Edit<'a> = &'a dyn Fn(&str) -> String;

/// Edits the file when the edited text means what it should.
fn write(
    session: &Session,
    reporter: &Reporter,
    (edited, expected): (Edit<'_>, &[Regression]),
    by_hand: &str,
) -> Result<(), Failure> {
    // `load_rules` read it: it is there.
    let relative = session.manifest.tests.clone().unwrap_or_default();
    let path = session.project.directory.join(&relative);
    let text = edited(&std::fs::read_to_string(&path)?);
    let source = SourceFile { path: relative.clone(), text: text.clone() };
    let read_back = check_rules(session, &source, reporter).map(|rules| rules.access.regressions);
    if read_back.ok().as_deref() != Some(expected) {
        let problem = format!("cannot edit {} without breaking it", relative.display());
        return Err(Failure::with_help(Exit::Usage, problem, by_hand));
    }
    Ok(std::fs::write(&path, text)?)
}

/// The case that shows a finding best, as the report tells it.
struct Best {
    case: String,
    title: String,
}

impl Best {
    fn find(report: &Value, id: &str) -> Result<Self, Failure> {
        let recorded = replay::Recorded::find(report, id)?;
        let findings = report.get("findings").and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let Some(finding) = findings.iter().find(|finding| text(finding, "id") == id) else {
            return Ok(Self { case: id.to_owned(), title: id.to_owned() });
        };
        let evidence = text(finding, "evidence");
        // Evidence begins with the case that it was seen in; of two that fit, one's name is the beginning of the other's.
        let shown = recorded.cases.iter().filter(|case| evidence.starts_with(&format!("{case}: ")));
        let case = shown.max_by_key(|case| case.len()).or(recorded.cases.first()).cloned();
        Ok(Self { case: case.unwrap_or_default(), title: text(finding, "title") })
    }
}

fn check(regression: &Regression, known: &[Regression]) -> Result<(), Failure> {
    let usage = |text: String, help: &str| Err(Failure::with_help(Exit::Usage, text, help));
    let Regression { name, case, .. } = regression;
    if name.is_empty() {
        return usage("a pinned case needs a name".to_owned(), "say in a few words what was wrong: `--name TEXT`");
    }
    let check = case.split(':').next().and_then(checks::by_id);
    if check.is_none_or(|check| matches!(check.work, Work::ByTheWay) || check.id == "expired-waiver") {
        let help = "authz.lock records access; waivers are in authz.yaml";
        return usage(format!("`{case}` cannot be pinned: it is recorded already"), help);
    }
    if let Some(pinned) = known.iter().find(|pinned| pinned.case == *case) {
        return usage(format!("`{case}` is pinned already, as `{}`", pinned.name), "every run asks it");
    }
    if known.iter().any(|pinned| pinned.name == *name) {
        return usage(format!("another case is pinned as `{name}`"), "name this one with `--name TEXT`");
    }
    Ok(())
}

fn item(regression: &Regression) -> String {
    let Regression { name, case, since } = regression;
    format!("{{ name: {}, case: {}, since: {since} }}", edit::quoted(name), edit::quoted(case))
}

fn told(format: Format, regression: &Regression, what: &str) -> String {
    let Regression { name, case, since } = regression;
    match format {
        Format::Text => format!("{what}: `{case}` as `{name}`"),
        Format::Json => json!({ "what": what, "name": name, "case": case, "since": since }).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Value {
        json!({"findings": [{"id": "object-access:read", "title": "GET /x leaks", "cases": ["object-access:read:a", "object-access:read:b"],
            "evidence": "object-access:read:b: a marker; 2 cases show it"}],
            "cases": [{"id": "object-access:read:a", "outcome": "fail"}, {"id": "object-access:read:b", "outcome": "fail"}]})
    }

    #[test]
    fn a_finding_is_pinned_by_the_case_that_shows_it_best_and_a_case_by_itself() {
        let best = Best::find(&report(), "object-access:read").unwrap();
        assert_eq!((best.case.as_str(), best.title.as_str()), ("object-access:read:b", "GET /x leaks"));
        assert_eq!(Best::find(&report(), "object-access:read:a").unwrap().case, "object-access:read:a");
        assert!(Best::find(&report(), "c").is_err());
    }

    #[test]
    fn what_is_pinned_twice_has_no_name_or_is_recorded_elsewhere_is_refused() {
        let pin =
            |name: &str, case: &str| Regression { name: name.into(), case: case.into(), since: "2026-11-22".into() };
        let known = [pin("old", "object-access:read:a")];
        assert!(check(&pin("new", "object-access:read:b"), &known).is_ok());
        for wrong in [
            pin("old", "object-access:read:b"),
            pin("new", "object-access:read:a"),
            pin("", "object-access:read:b"),
            pin("new", "widened-access:read:a:own"),
            pin("new", "nonsense:read"),
        ] {
            assert!(check(&wrong, &known).is_err(), "{wrong:?}");
        }
    }
}
