//! Findings as SARIF 2.1.0, which code hosts show beside the lines. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::{Value, json};

use super::{Finding, Severity, all};

/// The log of one run (SARIF 2.1.0 §3.13).
#[must_use]
pub fn sarif(findings: &[Finding], version: &str) -> Value {
    let rules = all().iter().map(|rule| {
        json!({
            "id": rule.id,
            "shortDescription": { "text": rule.title },
            "help": { "text": rule.fix },
            "defaultConfiguration": { "level": level(rule.severity) },
        })
    });
    let results = findings.iter().map(|finding| {
        json!({
            "ruleId": finding.rule.id,
            "level": level(finding.rule.severity),
            "message": { "text": format!("service `{}`: {}; {}", finding.service, finding.message, finding.rule.fix) },
            "locations": [{ "physicalLocation": {
                "artifactLocation": { "uri": finding.file.display().to_string() },
                "region": { "startLine": finding.line, "startColumn": finding.column },
            }}],
        })
    });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "devenv audit", "version": version, "rules": rules.collect::<Value>() } },
            "results": results.collect::<Value>(),
        }],
    })
}

/// SARIF 2.1.0 §3.27.10.
fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "note",
        Severity::Medium => "warning",
        Severity::High => "error",
    }
}
