//! The report for other tools: schema `devenv.run/1`, described in `docs/report.md`.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::{Value, json as value};

use super::shown;
use crate::rollup::Finding;
use crate::run::{LayerRun, Run};
use crate::verdict::Outcome;

/// The report as a JSON value.
#[must_use]
pub fn json(run: &Run) -> Value {
    let summary = run.summary();
    value!({
        "schema": "devenv.run/1",
        "verdict": run.verdict().as_str(),
        "summary": {
            "cases": summary.cases,
            "passed": summary.passed,
            "failed": summary.failed,
            "inconclusive": summary.inconclusive,
            "advice": summary.advice,
            "requests": summary.requests,
            "duration_ms": rounded(run.duration_ms),
        },
        "layers": run.layers.iter().map(|layer| layer_json(run, layer)).collect::<Vec<_>>(),
        "findings": run.findings.iter().map(|finding| finding_json(run, finding)).collect::<Vec<_>>(),
        "matrix": run.matrix.iter().map(|cell| value!({
            "operation": cell.operation,
            "persona": cell.persona,
            "relation": cell.relation.as_str(),
            "expected": cell.expected.as_str(),
            "observed": cell.observed.as_str(),
        })).collect::<Vec<_>>(),
    })
}

fn layer_json(run: &Run, layer: &LayerRun) -> Value {
    let mut open: Vec<Value> = Vec::new();
    for case in run.cases.iter().filter(|case| case.layer == layer.layer) {
        if let Outcome::Inconclusive(reason) | Outcome::Unproven(reason) = &case.outcome {
            open.push(value!({"case": case.id, "reason": reason}));
        }
    }
    let status = if layer.skipped.is_some() { "skipped" } else { "ran" };
    value!({
        "layer": layer.layer.as_str(),
        "status": status,
        "reason": layer.skipped,
        "cases": layer.cases,
        "duration_ms": rounded(layer.duration_ms),
        "inconclusive": open,
    })
}

fn finding_json(run: &Run, finding: &Finding) -> Value {
    let step = |id: &usize| {
        let step = shown(run, *id)?;
        Some(value!({"role": step.role, "request": step.curl, "status": step.status}))
    };
    value!({
        "id": finding.id,
        "check": finding.check,
        "tier": finding.tier.as_str(),
        "owasp": finding.owasp,
        "cwe": finding.cwe,
        "severity": finding.severity.as_str(),
        "confidence": finding.confidence.as_str(),
        "operation": finding.operation,
        "personas": finding.personas,
        "title": finding.title,
        "evidence": finding.evidence,
        "steps": finding.steps.iter().filter_map(step).collect::<Vec<_>>(),
        "cases": finding.cases,
        "waived": finding.waived,
    })
}

/// Milliseconds with one decimal.
fn rounded(duration_ms: f64) -> f64 {
    (duration_ms * 10.0).round() / 10.0
}
