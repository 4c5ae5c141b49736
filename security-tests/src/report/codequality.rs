//! Findings as a code quality report: what GitLab shows at the changed lines of a merge request.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::{Value, json};

use super::{Sources, fails, place};
use crate::run::Run;
use crate::verdict::Severity;

/// The report as a JSON value: a list of issues, those that fail.
#[must_use]
pub fn codequality(run: &Run, sources: &Sources) -> Value {
    let failing = run.findings.iter().filter(|finding| fails(run, finding));
    let issue = |finding: &crate::rollup::Finding| {
        // An issue without a place is refused.
        let (path, line) = place(run, finding, sources).unwrap_or_else(|| ("authz.yaml".to_owned(), 1));
        json!({
            "description": format!("{}. {}", finding.title, finding.evidence),
            "check_name": finding.check,
            "fingerprint": finding.id,
            "severity": match finding.severity {
                Severity::Critical => "blocker",
                Severity::High => "critical",
                Severity::Medium => "major",
                Severity::Low => "minor",
            },
            "location": { "path": path, "lines": { "begin": line } },
        })
    };
    failing.map(issue).collect()
}
