//! `devenv test waive`: accepts a finding until a day, as an edit of the access rules that keeps every comment.

use security_tests::access::Waiver;
use serde_json::json;

use super::edit;
use crate::cli::{Format, Waive};
use crate::commands::Failure;
use crate::commands::rules::{check_rules, load_rules};
use crate::commands::session::Session;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::manifest::SourceFile;
use crate::ui::{self, Table, Ui};

pub(super) async fn run(args: &Waive) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = waive(args, ui.reporter());
    ui.finish().await;
    ui::print(&result?);
    Ok(Exit::Success)
}

fn waive(args: &Waive, reporter: &Reporter) -> Result<String, Failure> {
    let session = Session::open(&args.stack, reporter)?;
    let waivers = load_rules(&session, reporter)?.access.waivers;
    let today = jiff::Timestamp::now().to_string().get(..10).unwrap_or_default().to_owned();
    let (Some(finding), Some(reason), Some(until)) = (&args.finding, &args.reason, &args.until) else {
        return Ok(list(&waivers, &today, args.format));
    };
    let waiver = Waiver { finding: finding.clone(), reason: reason.clone(), expires: until.clone() };
    check(&waiver, &waivers, &today)?;
    // `load_rules` read it: it is there.
    let relative = session.manifest.tests.clone().unwrap_or_default();
    let path = session.project.directory.join(&relative);
    let text = std::fs::read_to_string(&path)?;
    let item = item(finding, reason, until);
    let edited = edit::append(&text, "waivers", &item);
    let source = SourceFile { path: relative.clone(), text: edited.clone() };
    let read_back = check_rules(&session, &source, reporter).map(|rules| rules.access.waivers);
    let mut expected = waivers;
    expected.push(waiver);
    if read_back.ok() != Some(expected) {
        let help = format!("add it by hand: {item}");
        let text = format!("cannot edit {} without breaking it", relative.display());
        return Err(Failure::with_help(Exit::Usage, text, help));
    }
    std::fs::write(&path, edited)?;
    Ok(match args.format {
        Format::Text => format!("{}: `{finding}` is waived until {until}", relative.display()),
        Format::Json => json!({ "file": relative, "finding": finding, "expires": until }).to_string(),
    })
}

/// One waiver as a line.
fn item(finding: &str, reason: &str, expires: &str) -> String {
    format!("{{ finding: {}, reason: {}, expires: {expires} }}", edit::quoted(finding), edit::quoted(reason))
}

fn check(waiver: &Waiver, waivers: &[Waiver], today: &str) -> Result<(), Failure> {
    let usage = |text: String, help: &str| Err(Failure::with_help(Exit::Usage, text, help));
    let Waiver { finding, reason, expires } = waiver;
    let known = finding
        .split_once(':')
        .is_some_and(|(check, operation)| security_tests::checks::by_id(check).is_some() && !operation.is_empty());
    if !known {
        return usage(
            format!("`{finding}` is no id of a finding"),
            "reports print it in brackets, e.g. object-access:readOrder",
        );
    }
    if reason.trim().is_empty() {
        return usage("a waiver needs a reason".to_owned(), "say why the team lives with it");
    }
    if expires.len() != today.len() || expires.parse::<jiff::civil::Date>().is_err() {
        return usage(format!("`{expires}` is not a day"), "write it as 2027-03-31");
    }
    if expires.as_str() < today {
        return usage(format!("{expires} is in the past"), "a waiver holds until a day that is to come");
    }
    match waivers.iter().find(|known| known.finding == *finding) {
        Some(known) => usage(
            format!("`{finding}` is waived until {} already: {}", known.expires, known.reason),
            "change the waiver in the access rules",
        ),
        None => Ok(()),
    }
}

fn list(waivers: &[Waiver], today: &str, format: Format) -> String {
    let state = |waiver: &Waiver| if waiver.expires.as_str() < today { "expired" } else { "holds" };
    if format == Format::Json {
        let waiver = |waiver: &Waiver| json!({ "finding": waiver.finding, "reason": waiver.reason, "expires": waiver.expires, "state": state(waiver) });
        return waivers.iter().map(waiver).collect::<serde_json::Value>().to_string();
    }
    if waivers.is_empty() {
        return "nothing is waived".to_owned();
    }
    let mut table = Table::new(&["finding", "until", "state", "reason"]);
    for waiver in waivers {
        table.row([&waiver.finding, &waiver.expires, state(waiver), &waiver.reason].map(String::from));
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_finding_no_day_or_past_is_refused() {
        let refused = |finding: &str, reason: &str, expires: &str| {
            let waiver = Waiver { finding: finding.into(), reason: reason.into(), expires: expires.into() };
            check(&waiver, &[], "2026-11-22").err().map(|failure| failure.render(false))
        };
        assert_eq!(refused("object-access:read", "why", "2026-11-22"), None);
        for (finding, reason, expires) in [
            ("object-access", "why", "2027-01-01"),
            ("nonsense:read", "why", "2027-01-01"),
            ("object-access:read", " ", "2027-01-01"),
            ("object-access:read", "why", "2026-11-21"),
            ("object-access:read", "why", "2027-02-30"),
            ("object-access:read", "why", "tomorrow"),
        ] {
            assert!(refused(finding, reason, expires).is_some(), "{finding} {reason} {expires}");
        }
    }
}
