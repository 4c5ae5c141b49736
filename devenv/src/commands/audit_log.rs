//! `devenv audit-log verify`: whether the IAM's decision log is as it was written.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use mock_iam::audit::{Break, Verified, Verifier};
use serde_json::json;

use crate::cli::{AuditLog, AuditLogCommand, AuditLogVerify, Format};
use crate::commands::Failure;
use crate::commands::control::Control;
use crate::commands::session::Session;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::ui;

pub(super) async fn run(args: AuditLog) -> Result<Exit, Failure> {
    let AuditLogCommand::Verify(args) = args.command;
    let (name, verified) = match &args.log {
        Some(path) => (path.display().to_string(), of_file(path)?),
        None => ("the log of the running IAM".to_owned(), of_stack(&args).await?),
    };
    let verified = verified.and_then(|verified| match &args.head {
        Some(head) if *head != verified.head => Err(Wrong::Head(verified.head)),
        _ => Ok(verified),
    });
    ui::print(&match args.format {
        Format::Text => text(&name, &verified),
        Format::Json => json(&verified).to_string(),
    });
    Ok(if verified.is_ok() { Exit::Success } else { Exit::Findings })
}

/// What is wrong with a log.
enum Wrong {
    Line(Break),
    /// Every line is sound, but the last one is another than it should be: its hash.
    Head(String),
}

fn of_file(path: &Path) -> Result<Result<Verified, Wrong>, Failure> {
    let unreadable =
        |error: std::io::Error| Failure::new(Exit::Usage, format!("cannot read {}: {error}", path.display()));
    let mut lines = BufReader::new(File::open(path).map_err(unreadable)?);
    let (mut verifier, mut line) = (Verifier::default(), Vec::new());
    while lines.read_until(b'\n', &mut line).map_err(unreadable)? > 0 {
        if let Err(broken) = verifier.line(line.strip_suffix(b"\n").unwrap_or(&line)) {
            return Ok(Err(Wrong::Line(broken)));
        }
        line.clear();
    }
    Ok(Ok(verifier.finish()))
}

async fn of_stack(args: &AuditLogVerify) -> Result<Result<Verified, Wrong>, Failure> {
    let (reporter, _events) = Reporter::channel();
    let session = Session::open(&args.stack, &reporter)?;
    let lines = Control::new(&session)?.decisions().await?;
    Ok(mock_iam::audit::verify(lines.as_bytes()).map_err(Wrong::Line))
}

fn text(name: &str, verified: &Result<Verified, Wrong>) -> String {
    match verified {
        Ok(verified) => {
            let Verified { lines, sequences, from_the_beginning, head } = verified;
            let range = sequences.map_or(String::new(), |(first, last)| format!(", decisions {first} to {last}"));
            let start = if *from_the_beginning { "" } else { "; it goes on where an older log ends" };
            format!("{name}: sound, {lines} lines{range}{start}\nhead {head}")
        }
        Err(Wrong::Line(broken)) => format!("{name}: {broken}"),
        Err(Wrong::Head(head)) => {
            format!("{name}: every line is sound, but it ends with {head}: lines at the end are missing or new")
        }
    }
}

fn json(verified: &Result<Verified, Wrong>) -> serde_json::Value {
    match verified {
        Ok(verified) => json!({
            "sound": true,
            "lines": verified.lines,
            "first": verified.sequences.map(|(first, _)| first),
            "last": verified.sequences.map(|(_, last)| last),
            "from_the_beginning": verified.from_the_beginning,
            "head": verified.head,
        }),
        Err(Wrong::Line(Break { line, problem })) => {
            json!({ "sound": false, "line": line, "problem": problem.to_string() })
        }
        Err(Wrong::Head(head)) => json!({ "sound": false, "head": head, "problem": "the head is another one" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_line_is_named_in_words_and_as_data() {
        let broken = Err(Wrong::Line(Break { line: 3, problem: mock_iam::audit::BrokenLine::Changed }));
        assert!(text("x.jsonl", &broken).starts_with("x.jsonl: line 3: its text does not have the hash"));
        assert_eq!((&json(&broken)["sound"], &json(&broken)["line"]), (&false.into(), &3.into()));
    }

    #[test]
    fn a_sound_log_names_its_head_to_be_kept_elsewhere() {
        let verified = mock_iam::audit::verify(b"").unwrap();
        let head = verified.head.clone();
        assert_eq!(text("x", &Ok(verified)), format!("x: sound, 0 lines\nhead {head}"));
    }

    #[test]
    fn a_file_that_is_no_log_breaks_at_its_first_line_and_a_missing_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        assert!(of_file(&path).is_err());
        std::fs::write(&path, "hello\n").unwrap();
        assert!(matches!(of_file(&path).unwrap(), Err(Wrong::Line(Break { line: 1, .. }))));
    }
}
