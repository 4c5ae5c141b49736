//! A run: what was planned, what was recorded, and what it amounts to. Must not know how it was sent or is shown.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::access::Waiver;
use crate::checks::{self, Check, Evidence, Offline, Work};
use crate::exchange::{Exchange, NoAnswer};
use crate::lock::{self, Comparison};
use crate::oracle::{Asked, Decision, Relation, question};
use crate::plan::{Action, Case, Credential, Detail, StepId, TestPlan, is_asked_for};
use crate::regressions;
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
    /// What changed against the recorded matrix, when there is one.
    pub lock: Option<Comparison>,
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
    /// The client that the provider was asked as, in the layer `flow`.
    pub client: Option<String>,
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
    /// What the policies decide, when they were asked.
    pub decided: Option<Decision>,
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
    /// Requests to the API, and to the provider as one of its clients.
    pub requests: usize,
    /// Beside all of these: not run, because the budget was used up.
    pub not_run: usize,
}

impl Run {
    /// Judges what was recorded.
    #[must_use]
    pub fn judge(target: &Target, plan: TestPlan, exchanges: Vec<Option<Exchange>>, duration_ms: f64) -> Self {
        let evidence = Evidence { target, plan: &plan, exchanges: &exchanges };
        let mut cases = offline(target, &plan);
        for case in &plan.cases {
            if let Some((check, Work::Online(_, judge))) = checks::by_id(case.check).map(|check| (check, check.work)) {
                let outcome = cut_off(case, &evidence).unwrap_or_else(|| judge(case, &evidence));
                cases.push(judged(check, case, outcome));
            }
        }
        forgive_a_broken_target(&plan, &exchanges, &mut cases);
        let matrix = matrix(target, &plan, &evidence);
        cases.extend(widened(target, &plan, &matrix));
        cases.extend(regressions::judged(target, &plan, &cases));
        let mut findings = rollup::findings(&plan, &cases, active(&target.access.waivers, &plan));
        regressions::name(&mut findings, &plan.regressions);
        let layers = layers(&plan, &cases, &exchanges);
        let mut run = Self { exchanges, cases, findings, matrix, layers, duration_ms, plan, lock: None };
        run.lock = target.lock.as_ref().map(|lock| lock.compare(&run));
        run
    }

    /// What the run amounts to.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let fails = |finding: &Finding| {
            finding.waived.is_none() && !finding.is_advice(self.plan.tier) && finding.confidence != Confidence::Unproven
        };
        // What could only ever be advice need not be proven.
        let pinned = |case: &JudgedCase| self.plan.regressions.iter().any(|pinned| pinned.case == case.id);
        let counts = |case: &JudgedCase| {
            checks::by_id(case.check).is_none_or(|check| check.tier <= self.plan.tier) || pinned(case)
        };
        let open = |case: &JudgedCase| {
            let unproven = matches!(case.outcome, Outcome::Inconclusive(_) | Outcome::Unproven(_) | Outcome::NotRun(_));
            unproven && counts(case)
        };
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
        let advice = self.findings.iter().filter(|finding| finding.is_advice(self.plan.tier)).count();
        let not_run = count(|outcome| matches!(outcome, Outcome::NotRun(_)));
        let is_request = |(step, exchange): &(&crate::plan::Step, &Option<Exchange>)| {
            let sent = exchange.as_ref().is_some_and(|exchange| exchange.duration_ms > 0.0);
            sent && matches!(step.action, Action::Request(_) | Action::Flow(_))
        };
        let requests = self.plan.steps.iter().zip(&self.exchanges).filter(is_request).count();
        Summary { cases: passed + failed + inconclusive, passed, failed, inconclusive, advice, requests, not_run }
    }

    /// Why the run is inconclusive: each reason once, with the number of cases.
    #[must_use]
    pub fn open_questions(&self) -> Vec<(String, usize)> {
        let mut reasons = std::collections::BTreeMap::new();
        for case in &self.cases {
            if let Outcome::Inconclusive(reason) | Outcome::Unproven(reason) | Outcome::NotRun(reason) = &case.outcome {
                *reasons.entry(reason.clone()).or_insert(0) += 1;
            }
        }
        let mut reasons: Vec<_> = reasons.into_iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        reasons
    }
}

/// A case with a step that the budget did not allow says nothing, unless what was sent is already the proof.
fn cut_off(case: &Case, evidence: &Evidence<'_>) -> Option<Outcome> {
    case.steps().into_iter().find_map(|step| match evidence.answer(step) {
        Err(NoAnswer::OutOfTime(reason)) => Some(Outcome::NotRun(reason)),
        _ => None,
    })
}

/// A target that answers 5xx to everybody whom it should serve is broken, not unsafe: nothing is proven either way.
fn forgive_a_broken_target(plan: &TestPlan, exchanges: &[Option<Exchange>], cases: &mut [JudgedCase]) {
    let mut failed = 0;
    for (step, exchange) in plan.steps.iter().zip(exchanges) {
        let Action::Request(request) = &step.action else { continue };
        let Some(Ok(answer)) = exchange.as_ref().map(|exchange| &exchange.result) else { continue };
        match (&request.credential, answer.is_5xx()) {
            (Credential::Persona(_) | Credential::Fresh(_), false) => return,
            (Credential::Persona(_) | Credential::Fresh(_), true) => failed += 1,
            (
                Credential::Anonymous
                | Credential::Held(_)
                | Credential::Minted(..)
                | Credential::Forged(..)
                | Credential::Pair(..)
                | Credential::Placed(..),
                _,
            ) => {}
        }
    }
    for case in cases.iter_mut().filter(|_| failed > 0) {
        if let Outcome::ServerError(status) = case.outcome {
            case.outcome = Outcome::Inconclusive(format!("the target answers everybody with {status}"));
        }
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
    if plan.scope.shard.is_some_and(|shard| !shard.is_first()) {
        return Vec::new();
    }
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
                client: None,
                relation: fact.relation,
                outcome: fact.outcome,
                steps: Vec::new(),
            }));
        }
    }
    let only = &plan.scope.only;
    cases.retain(|case| is_asked_for(only, &case.id, (case.check, &case.operation)));
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
    let mut client = None;
    if let Detail::Flow(subject) = &case.detail {
        steps.extend(subject.steps());
        client.clone_from(&subject.client);
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
        client,
        relation: case.relation,
        outcome,
        steps,
    }
}

/// Access that somebody gained since the matrix was recorded, although rules and API agree on it: what is not meant so is
/// another check's finding.
fn widened(target: &Target, plan: &TestPlan, matrix: &[Cell]) -> Vec<JudgedCase> {
    let (Some(lock), Some(check)) = (&target.lock, checks::by_id("widened-access")) else { return Vec::new() };
    let case = |(planned, cell): (&crate::plan::PlannedCell, &Cell)| {
        let answer = lock::answer(cell)?;
        let recorded = lock.get(&lock::key_of(cell))?;
        let layer = if cell.observed == Observed::NotRun { Layer::Policy } else { Layer::Access };
        let outcome = match (recorded, answer, cell.expected) {
            (Decision::Deny, Decision::Allow, Decision::Allow) => {
                let line = lock::key_of(cell);
                Outcome::Fail(Confidence::Confirmed, format!("authz.lock says `{line}: deny`, now it is allowed"))
            }
            _ => Outcome::Pass("as recorded, or narrower".to_owned()),
        };
        let (operation, relation) = (planned.operation.clone(), cell.relation);
        let id = format!("{}:{operation}:{}:{}", check.id, cell.persona, relation.as_str());
        let persona = planned.persona.clone();
        let (client, steps) = (None, Vec::new());
        Some(JudgedCase { id, check: check.id, layer, operation, persona, client, relation, outcome, steps })
    };
    plan.cells.iter().zip(matrix).filter_map(case).collect()
}

/// What the policies say of a cell, asked as the API would ask.
fn decided(target: &Target, cell: &crate::plan::PlannedCell) -> Option<Decision> {
    let decider = target.decider.as_ref()?;
    let persona = cell.persona.as_deref()?;
    let on_object = target.access.rules.get(&cell.operation).is_some_and(|rule| rule.on.is_some());
    if (on_object && cell.owner.is_none()) || !decider.knows(&cell.operation) {
        return None;
    }
    let asked = Asked { operation: &cell.operation, persona: Some(persona), owner: cell.owner.as_deref() };
    decider.decide(&question(target, persona, asked)).ok()
}

fn matrix(target: &Target, plan: &TestPlan, evidence: &Evidence<'_>) -> Vec<Cell> {
    let asks_policies = plan.layers.iter().any(|layer| layer.layer == Layer::Policy && layer.skipped.is_none());
    let observed = |cell: &crate::plan::PlannedCell| {
        checks::case_of(cell).map_or(Observed::NotRun, |case| checks::observed(cell, &case, evidence))
    };
    let cell = |cell: &crate::plan::PlannedCell| Cell {
        operation: plan.operation(&cell.operation).map_or_else(String::new, crate::api::Operation::label),
        persona: cell.persona.clone().unwrap_or_else(|| "anonymous".to_owned()),
        relation: cell.relation,
        expected: cell.expected,
        observed: observed(cell),
        decided: if asks_policies { decided(target, cell) } else { None },
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
