//! SARIF 2.1.0: findings at the line of the operation in the OpenAPI document, as code hosts show them in a review.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod help;
mod locate;
mod types;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{fails, proof};
use crate::checks::{ALL, Check};
use crate::guards::RemovedGuard;
use crate::rollup::Finding;
use crate::run::Run;
use crate::verdict::{Confidence, Layer, Severity, Verdict};
use types::*;

/// The files that findings are told at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The OpenAPI document.
    pub openapi: Option<Source>,
    /// The access rules.
    pub access: Option<Source>,
    /// Where guards were deleted.
    pub guards: Vec<RemovedGuard>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Relative to the root of the repository, with `/`.
    pub uri: String,
    /// Its text.
    pub text: String,
}

/// The report as a JSON value.
#[must_use]
pub fn sarif(run: &Run, sources: &Sources) -> Value {
    let notification = |(reason, cases): (String, usize)| Notification {
        level: "warning",
        message: Text { text: format!("{cases} × not proven: {reason}") },
    };
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: vec![types::Run {
            tool: Tool {
                driver: Driver {
                    name: "devenv",
                    version: env!("CARGO_PKG_VERSION"),
                    rules: ALL.iter().map(|check| rule(check)).collect(),
                },
            },
            invocations: vec![Invocation {
                // Findings are a success of the tool; a run that proves nothing is not.
                execution_successful: run.verdict() != Verdict::Inconclusive,
                tool_execution_notifications: run.open_questions().into_iter().map(notification).collect(),
            }],
            automation_details: Id { id: format!("devenv-test/{}", run.plan.target) },
            results: run.findings.iter().map(|finding| result(run, finding, sources)).collect(),
            column_kind: "unicodeCodePoints",
        }],
    };
    serde_json::to_value(log).unwrap_or_default()
}

fn rule(check: &Check) -> Rule {
    let mend = help::mend(check);
    let weakness = check.cwe.to_ascii_lowercase();
    let number = check.cwe.trim_start_matches("CWE-");
    let category = owasp_page(check.owasp);
    Rule {
        id: check.id,
        name: pascal(check.id),
        short_description: Text { text: format!("An operation {}", check.title) },
        full_description: Text { text: format!("An operation {}. {mend}", check.title) },
        help: Help {
            text: mend.to_owned(),
            markdown: format!(
                "{mend}\n\n[{}]({category}) · [{}](https://cwe.mitre.org/data/definitions/{number}.html)",
                check.owasp, check.cwe
            ),
        },
        default_configuration: Configuration { level: level(check.severity) },
        properties: RuleProperties {
            tags: vec![
                "security".to_owned(),
                format!("external/cwe/{weakness}"),
                format!("owasp/{}", check.owasp),
                check.layer.as_str().to_owned(),
            ],
            precision: "very-high",
            security_severity: match check.severity {
                Severity::Critical => "9.8",
                Severity::High => "8.1",
                Severity::Medium => "5.3",
                Severity::Low => "3.1",
            },
        },
    }
}

fn result(run: &Run, finding: &Finding, sources: &Sources) -> SarifResult {
    let steps: Vec<Value> = proof(run, &finding.steps)
        .into_iter()
        .map(|step| json!({"role": step.role, "request": step.curl, "status": step.status}))
        .collect();
    let by = if finding.personas.is_empty() { String::new() } else { format!(" By {}.", finding.personas.join(", ")) };
    let justify = |reason: &String| Suppression { kind: "external", justification: reason.clone() };
    SarifResult {
        rule_id: finding.check,
        rule_index: ALL.iter().position(|check| check.id == finding.check).unwrap_or_default(),
        kind: "fail",
        level: if fails(run, finding) || finding.waived.is_some() { level(finding.severity) } else { "note" },
        message: Text { text: format!("{}.{by} {}.", finding.title, finding.evidence) },
        locations: vec![location(run, finding, sources)],
        partial_fingerprints: BTreeMap::from([("devenvFinding/v1", finding.id.clone())]),
        suppressions: finding.waived.iter().map(justify).collect(),
        properties: BTreeMap::from([
            ("confidence", json!(confidence(finding.confidence))),
            ("tier", json!(finding.tier.as_str())),
            ("personas", json!(finding.personas)),
            ("regressions", json!(finding.regressions)),
            ("steps", Value::Array(steps)),
        ]),
    }
}

fn location(run: &Run, finding: &Finding, sources: &Sources) -> Location {
    let physical = |(uri, start_line): (String, usize)| PhysicalLocation {
        artifact_location: ArtifactLocation { uri },
        region: Region { start_line },
    };
    Location {
        physical_location: place(run, finding, sources).map(physical),
        logical_locations: vec![LogicalLocation { fully_qualified_name: finding.operation.clone(), kind: "function" }],
    }
}

/// Where a finding is told, as file and line from 1: what is wrong with files at the rule, what is wrong with the API at the
/// operation.
#[must_use]
pub fn place(run: &Run, finding: &Finding, sources: &Sources) -> Option<(String, usize)> {
    let operation = run.plan.operations.iter().find(|operation| operation.label() == finding.operation);
    let in_openapi = || {
        let source = sources.openapi.as_ref()?;
        Some((source, locate::operation_line(&source.text, operation?)?))
    };
    let in_access = || {
        let source = sources.access.as_ref()?;
        let id = operation.map_or(finding.operation.as_str(), |operation| operation.id.as_str());
        let rule = || locate::rule_line(&source.text, id);
        let line = match finding.check {
            "expired-waiver" => locate::text_line(&source.text, "waivers"),
            "lost-regression" => locate::text_line(&source.text, "regressions"),
            _ => rule(),
        };
        Some((source, line.unwrap_or(1)))
    };
    let of_rules = crate::checks::by_id(finding.check).is_some_and(|check| {
        check.layer == Layer::Policy || matches!(check.id, "expired-waiver" | "lost-regression" | "unknown-action")
    });
    let guard =
        sources.guards.iter().find(|guard| finding.check == "removed-guard" && guard.place() == finding.operation);
    let found = || if of_rules { in_access().or_else(in_openapi) } else { in_openapi().or_else(in_access) };
    let told = |(source, line): (&Source, usize)| (source.uri.clone(), line);
    guard.map(|guard| (guard.file.clone(), guard.line)).or_else(|| found().map(told))
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

fn confidence(confidence: Confidence) -> &'static str {
    confidence.as_str()
}

/// `object-access` as `ObjectAccess` (§3.49.7).
fn pascal(id: &str) -> String {
    let capital = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    };
    id.split('-').map(capital).collect()
}

/// The page of a category of the OWASP API Security Top 10 (2023).
fn owasp_page(category: &str) -> String {
    let page = match category {
        "API1:2023" => "0xa1-broken-object-level-authorization",
        "API2:2023" => "0xa2-broken-authentication",
        "API3:2023" => "0xa3-broken-object-property-level-authorization",
        "API5:2023" => "0xa5-broken-function-level-authorization",
        "API8:2023" => "0xa8-security-misconfiguration",
        "API9:2023" => "0xa9-improper-inventory-management",
        _ => "0x11-t10",
    };
    format!("https://owasp.org/API-Security/editions/2023/en/{page}/")
}
