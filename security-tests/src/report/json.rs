//! The report for other tools: schema `devenv.run/1`, described in `docs/report.md`.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::{Value, json as value};

use super::shown;
use crate::lock::{Comparison, Key};
use crate::rollup::Finding;
use crate::run::{JudgedCase, LayerRun, Run};
use crate::verdict::Outcome;

/// The report as a JSON value.
#[must_use]
pub fn json(run: &Run) -> Value {
    let summary = run.summary();
    value!({
        "schema": "devenv.run/1",
        "verdict": run.verdict().as_str(),
        "run": {
            "target": run.plan.target,
            "url": run.plan.base_url,
            "started_at": run.plan.started_at,
            "seed": run.plan.seed,
            "tier": run.plan.tier.as_str(),
            "budget_ms": run.plan.budget.map(|budget| rounded(budget.as_secs_f64() * 1000.0)),
            "shard": run.plan.scope.shard.map(|shard| shard.to_string()),
        },
        "summary": {
            "cases": summary.cases,
            "passed": summary.passed,
            "failed": summary.failed,
            "inconclusive": summary.inconclusive,
            "advice": summary.advice,
            "requests": summary.requests,
            "not_run": summary.not_run,
            "duration_ms": rounded(run.duration_ms),
        },
        "layers": run.layers.iter().map(|layer| layer_json(run, layer)).collect::<Vec<_>>(),
        "cases": run.cases.iter().map(|case| case_json(run, case)).collect::<Vec<_>>(),
        "findings": run.findings.iter().map(|finding| finding_json(run, finding)).collect::<Vec<_>>(),
        "matrix": run.matrix.iter().map(|cell| value!({
            "operation": cell.operation,
            "persona": cell.persona,
            "relation": cell.relation.as_str(),
            "expected": cell.expected.as_str(),
            "observed": cell.observed.as_str(),
        })).collect::<Vec<_>>(),
        "lock": run.lock.as_ref().map(lock_json),
    })
}

fn lock_json(comparison: &Comparison) -> Value {
    let keys = |keys: &[Key]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
    let answered = |cells: &[(Key, crate::oracle::Decision)]| {
        cells
            .iter()
            .map(|(key, decision)| value!({"cell": key.to_string(), "answer": decision.as_str()}))
            .collect::<Vec<_>>()
    };
    value!({
        "widened": keys(&comparison.widened),
        "narrowed": keys(&comparison.narrowed),
        "added": answered(&comparison.added),
        "gone": answered(&comparison.gone),
    })
}

fn layer_json(run: &Run, layer: &LayerRun) -> Value {
    let mut open: Vec<Value> = Vec::new();
    for case in run.cases.iter().filter(|case| case.layer == layer.layer) {
        if let Outcome::Inconclusive(reason) | Outcome::Unproven(reason) | Outcome::NotRun(reason) = &case.outcome {
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

fn case_json(run: &Run, case: &JudgedCase) -> Value {
    let attack = case.steps.iter().filter_map(|step| shown(run, *step)).find(|step| step.role == "attack");
    value!({
        "id": case.id,
        "check": case.check,
        "layer": case.layer.as_str(),
        "operation": case.operation,
        "persona": case.persona,
        "client": case.client,
        "relation": case.relation.as_str(),
        "outcome": case.outcome.as_str(),
        "reason": case.outcome.reason(),
        "status": attack.and_then(|step| step.status),
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
        "explained": finding.explained,
        "waived": finding.waived,
        "regressions": finding.regressions,
    })
}

/// Milliseconds with one decimal.
fn rounded(duration_ms: f64) -> f64 {
    (duration_ms * 10.0).round() / 10.0
}
