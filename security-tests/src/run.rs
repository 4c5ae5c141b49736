//! A run: what was planned, what was recorded, and what it amounts to. Must not know how it was sent or is shown.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::access::Waiver;
use crate::checks::{self, Check, Evidence, Offline, Work};
use crate::exchange::Exchange;
use crate::oracle::{Decision, Relation};
use crate::plan::{Action, Case, Detail, StepId, TestPlan};
use crate::rollup::{self, Finding};
use crate::target::Target;
use crate::verdict::{Confidence, Layer, Observed, Outcome, Verdict};

/// A finished run.
#[derive(Clone, Debug)]
pub struct Run {
    /// What was planned.
    pub plan: TestPlan,
    /// What happened to each step, by its id.
    pub exchanges: Vec<Option<Exchange>>,
    /// All cases.
    pub cases: Vec<JudgedCase>,
    /// Defects, each once.
    pub findings: Vec<Finding>,
    /// The access matrix.
    pub matrix: Vec<Cell>,
    /// The layers that were asked for.
    pub layers: Vec<LayerRun>,
    /// From the first request to the last judgement.
    pub duration_ms: f64,
}

/// A judged case.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedCase {
    /// Stable id.
    pub id: String,
    /// Its check.
    pub check: &'static str,
    /// Where the check belongs.
    pub layer: Layer,
    /// `operationId`.
    pub operation: String,
    /// Who; nobody is anonymous.
    pub persona: Option<String>,
    /// How they stand to the object.
    pub relation: Relation,
    /// What became of it.
    pub outcome: Outcome,
    /// The steps that show it.
    pub steps: Vec<StepId>,
}

/// A cell of the access matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// `GET /orders/{id}`.
    pub operation: String,
    /// A persona or `anonymous`.
    pub persona: String,
    /// How they stand to the object.
    pub relation: Relation,
    /// What should happen.
    pub expected: Decision,
    /// What did.
    pub observed: Observed,
}

/// A layer of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerRun {
    /// Which.
    pub layer: Layer,
    /// Why it did not run.
    pub skipped: Option<String>,
    /// Its cases, those that make no sense here not counted.
    pub cases: usize,
    /// How long its steps took.
    pub duration_ms: f64,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// All of the following.
    pub cases: usize,
    /// As expected.
    pub passed: usize,
    /// Defects.
    pub failed: usize,
    /// Without a proof.
    pub inconclusive: usize,
    /// Findings that are advice.
    pub advice: usize,
    /// Requests to the API.
    pub requests: usize,
}

impl Run {
    /// Judges what was recorded.
    #[must_use]
    pub fn judge(target: &Target, plan: TestPlan, exchanges: Vec<Option<Exchange>>, duration_ms: f64) -> Self {
        let evidence = Evidence { plan: &plan, exchanges: &exchanges };
        let mut cases = offline(target, &plan);
        for case in &plan.cases {
            if let Some((check, Work::Online(_, judge))) = checks::by_id(case.check).map(|check| (check, check.work)) {
                cases.push(judged(check, case, judge(case, &evidence)));
            }
        }
        let findings = rollup::findings(&plan, &cases, active(&target.access.waivers, &plan));
        let matrix = matrix(&plan, &evidence);
        let layers = layers(&plan, &cases, &exchanges);
        Self { exchanges, cases, findings, matrix, layers, duration_ms, plan }
    }

    /// What the run amounts to.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let fails = |finding: &Finding| {
            finding.waived.is_none() && finding.tier <= self.plan.tier && finding.confidence != Confidence::Unproven
        };
        let open = |case: &JudgedCase| matches!(case.outcome, Outcome::Inconclusive(_) | Outcome::Unproven(_));
        let named_and_skipped = self.plan.layers_named && self.layers.iter().any(|layer| layer.skipped.is_some());
        if self.findings.iter().any(fails) {
            Verdict::Fail
        } else if self.cases.iter().any(open) || self.summary().passed == 0 || named_and_skipped {
            Verdict::Inconclusive
        } else {
            Verdict::Pass
        }
    }

    /// Counts.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let count = |wanted: fn(&Outcome) -> bool| self.cases.iter().filter(|case| wanted(&case.outcome)).count();
        let passed = count(|outcome| matches!(outcome, Outcome::Pass(_)));
        let failed = count(|outcome| matches!(outcome, Outcome::Fail(..) | Outcome::ServerError(_)));
        let inconclusive = count(|outcome| matches!(outcome, Outcome::Inconclusive(_) | Outcome::Unproven(_)));
        let advice = self.findings.iter().filter(|finding| finding.tier > self.plan.tier).count();
        let is_request = |(step, exchange): &(&crate::plan::Step, &Option<Exchange>)| {
            let sent = exchange.as_ref().is_some_and(|exchange| exchange.duration_ms > 0.0);
            sent && matches!(step.action, Action::Request(_))
        };
        let requests = self.plan.steps.iter().zip(&self.exchanges).filter(is_request).count();
        Summary { cases: passed + failed + inconclusive, passed, failed, inconclusive, advice, requests }
    }

    /// Why the run is inconclusive: each reason once, with the number of cases.
    #[must_use]
    pub fn open_questions(&self) -> Vec<(String, usize)> {
        let mut reasons = std::collections::BTreeMap::new();
        for case in &self.cases {
            if let Outcome::Inconclusive(reason) | Outcome::Unproven(reason) = &case.outcome {
                *reasons.entry(reason.clone()).or_insert(0) += 1;
            }
        }
        let mut reasons: Vec<_> = reasons.into_iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        reasons
    }
}

/// The waivers that still hold.
fn active<'a>(waivers: &'a [Waiver], plan: &TestPlan) -> Vec<&'a Waiver> {
    waivers.iter().filter(|waiver| waiver.expires.as_str() >= today(plan)).collect()
}

fn today(plan: &TestPlan) -> &str {
    plan.started_at.get(..10).unwrap_or_default()
}

fn offline(target: &Target, plan: &TestPlan) -> Vec<JudgedCase> {
    let wanted = |operation: &&crate::api::Operation| {
        plan.scope.operations.is_empty() || plan.scope.operations.contains(&operation.id)
    };
    let operations: Vec<_> = plan.operations.iter().filter(wanted).collect();
    let personas: Vec<String> = target
        .personas
        .keys()
        .filter(|name| plan.scope.personas.is_empty() || plan.scope.personas.contains(name))
        .cloned()
        .collect();
    let offline = Offline { target, operations: &operations, personas: &personas, today: today(plan) };
    let mut cases = Vec::new();
    for check in checks::ALL {
        let runs = plan.layers.iter().any(|layer| layer.layer == check.layer && layer.skipped.is_none());
        if let (Work::Offline(facts), true) = (check.work, runs) {
            cases.extend(facts(&offline).into_iter().map(|fact| JudgedCase {
                id: format!("{}:{}", check.id, fact.name),
                check: check.id,
                layer: check.layer,
                operation: fact.operation,
                persona: fact.persona,
                relation: fact.relation,
                outcome: fact.outcome,
                steps: Vec::new(),
            }));
        }
    }
    cases
}

fn judged(check: &Check, case: &Case, outcome: Outcome) -> JudgedCase {
    let trial = &case.trial;
    let mut steps: Vec<StepId> = trial.needs.clone();
    if let Some(control) = &trial.control {
        steps.push(control.step);
    }
    steps.push(trial.attack);
    steps.extend(trial.after);
    if let Detail::Assigned(assigned) = &case.detail {
        steps.extend(&assigned.reads);
    }
    // Steps are numbered in the order in which they run.
    steps.sort_unstable();
    steps.dedup();
    JudgedCase {
        id: case.id.clone(),
        check: check.id,
        layer: check.layer,
        operation: case.operation.clone(),
        persona: case.persona.clone(),
        relation: case.relation,
        outcome,
        steps,
    }
}

fn matrix(plan: &TestPlan, evidence: &Evidence<'_>) -> Vec<Cell> {
    let observed = |cell: &crate::plan::PlannedCell| {
        checks::case_of(cell).map_or(Observed::NotRun, |case| checks::observed(cell, &case, evidence))
    };
    let cell = |cell: &crate::plan::PlannedCell| Cell {
        operation: plan.operation(&cell.operation).map_or_else(String::new, crate::api::Operation::label),
        persona: cell.persona.clone().unwrap_or_else(|| "anonymous".to_owned()),
        relation: cell.relation,
        expected: cell.expected,
        observed: observed(cell),
    };
    plan.cells.iter().map(cell).collect()
}

fn layers(plan: &TestPlan, cases: &[JudgedCase], exchanges: &[Option<Exchange>]) -> Vec<LayerRun> {
    let run = |planned: &crate::plan::PlannedLayer| {
        let of_layer = cases.iter().filter(|case| case.layer == planned.layer);
        let counted = of_layer.clone().filter(|case| !matches!(case.outcome, Outcome::NotApplicable(_))).count();
        let steps: std::collections::BTreeSet<StepId> = of_layer.flat_map(|case| case.steps.iter().copied()).collect();
        let took = |step: StepId| exchanges.get(step)?.as_ref().map(|exchange| exchange.duration_ms);
        let duration_ms = steps.into_iter().filter_map(took).fold(0.0, std::ops::Add::add);
        LayerRun { layer: planned.layer, skipped: planned.skipped.clone(), cases: counted, duration_ms }
    };
    plan.layers.iter().map(run).collect()
}
