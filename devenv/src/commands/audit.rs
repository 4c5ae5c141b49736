//! `devenv audit`: the files against secure defaults. Needs no engine; `--fix` makes the mechanical changes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::audit::{self, Finding, Severity};
use crate::cli::{Audit, AuditFormat, FailOn, Format};
use crate::commands::Failure;
use crate::commands::session;
use crate::exit::Exit;
use crate::ui::{self, Ui};

pub(super) async fn run(args: Audit) -> Result<Exit, Failure> {
    let ui = Ui::start(Format::Text);
    let result = findings(&args, &ui);
    ui.finish().await;
    let findings = result?;
    match args.format {
        AuditFormat::Text => ui::print(&text(&findings)),
        AuditFormat::Json => ui::print(&serde_json::json!(findings).to_string()),
        AuditFormat::Sarif => {
            let log = audit::sarif(&findings, env!("CARGO_PKG_VERSION"));
            ui::print(&serde_json::to_string_pretty(&log).unwrap_or_default());
        }
    }
    let least = match args.fail_on {
        FailOn::Low => Some(Severity::Low),
        FailOn::Medium => Some(Severity::Medium),
        FailOn::High => Some(Severity::High),
        FailOn::Never => None,
    };
    let bad = least.is_some_and(|least| findings.iter().any(|finding| finding.rule.severity >= least));
    Ok(if bad { Exit::Findings } else { Exit::Success })
}

/// The findings; with `--fix` those that are left.
fn findings(args: &Audit, ui: &Ui) -> Result<Vec<Finding>, Failure> {
    let opened = session::open(&args.stack, ui.reporter())?;
    let found = audit::audit(&opened.composed);
    if !args.fix {
        return Ok(found);
    }
    let mut by_file: BTreeMap<PathBuf, Vec<&Finding>> = BTreeMap::new();
    for finding in found.iter().filter(|finding| finding.edit.is_some()) {
        by_file.entry(finding.file.clone()).or_default().push(finding);
    }
    for (file, findings) in by_file {
        // Places in included files are named relative to the project.
        let path = if file.exists() { file } else { opened.project.directory.join(file) };
        let (text, made) = audit::fixed(&std::fs::read_to_string(&path)?, &findings);
        std::fs::write(&path, text)?;
        ui::complain(&format!("{}: {made} fixed", path.display()));
    }
    Ok(audit::audit(&session::open(&args.stack, ui.reporter())?.composed))
}

fn text(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "no findings".to_owned();
    }
    let mut out = String::new();
    for finding in findings {
        let severity = match finding.rule.severity {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        };
        let mechanical = if finding.edit.is_some() { " (`--fix` does)" } else { "" };
        out.push_str(&format!(
            "{severity:<6} {}:{}:{}: service `{}`: {} [{}]\n       fix: {}{mechanical}\n",
            finding.file.display(),
            finding.line,
            finding.column,
            finding.service,
            finding.message,
            finding.rule.id,
            finding.rule.fix
        ));
    }
    let count = |severity| findings.iter().filter(|finding| finding.rule.severity == severity).count();
    out.push_str(&format!(
        "{} high, {} medium, {} low",
        count(Severity::High),
        count(Severity::Medium),
        count(Severity::Low)
    ));
    out
}
