//! Pinned cases: holes that were there once. Each must be asked, and pass. Must not know how cases are judged.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::access::Regression;
use crate::checks::{self, Check, Work};
use crate::oracle::Relation;
use crate::plan::{ScopeOfRun, TestPlan};
use crate::rollup::Finding;
use crate::run::JudgedCase;
use crate::target::Target;
use crate::verdict::{Confidence, Outcome};

/// A pinned case that is not in the plan, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The pinned case.
    pub case: String,
    /// Its operation, as the case names it.
    pub operation: String,
    /// One sentence.
    pub reason: String,
}

/// The pinned cases that a whole plan does not have, as far as the run was to ask for them. To be asked before the plan is
/// narrowed to a shard: a case that another machine asks is not lost.
pub(crate) fn lost(target: &Target, plan: &TestPlan) -> Vec<Lost> {
    let online = |check: Option<&Check>| check.is_some_and(|check| matches!(check.work, Work::Online(..)));
    let planned = |id: &str| plan.cases.iter().any(|case| case.id == id);
    plan.regressions
        .iter()
        .filter(|pinned| !planned(&pinned.case))
        .filter_map(|pinned| missing(target, plan, pinned, online))
        .collect()
}

/// The same of checks that read files, as judged cases, with what planning found. The first shard tells all of it.
pub(crate) fn judged(target: &Target, plan: &TestPlan, cases: &[JudgedCase]) -> Vec<JudgedCase> {
    if plan.scope.shard.is_some_and(|shard| !shard.is_first()) {
        return Vec::new();
    }
    // A check that is none is told here, too: nobody else would.
    let offline = |check: Option<&Check>| check.is_none_or(|check| matches!(check.work, Work::Offline(_)));
    let asked = |id: &str| cases.iter().any(|case| case.id == id);
    let of_files = plan.regressions.iter().filter(|pinned| !asked(&pinned.case));
    let of_files = of_files.filter_map(|pinned| missing(target, plan, pinned, offline));
    let senseless = cases.iter().filter_map(|case| match &case.outcome {
        Outcome::NotApplicable(why) if plan.regressions.iter().any(|pinned| pinned.case == case.id) => {
            Some(Lost { case: case.id.clone(), operation: case.operation.clone(), reason: why.clone() })
        }
        _ => None,
    });
    let lost: Vec<Lost> = plan.lost.iter().cloned().chain(of_files).chain(senseless).collect();
    lost.iter().filter_map(|lost| case(plan, lost)).collect()
}

/// Says at each finding which pinned cases are in it.
pub(crate) fn name(findings: &mut [Finding], pinned: &[Regression]) {
    for finding in findings {
        let holds = |pinned: &&Regression| {
            let mut ids = finding.cases.iter().chain(&finding.explained);
            ids.any(|id| *id == pinned.case || lost_id(&pinned.case) == *id)
        };
        finding.regressions = pinned.iter().filter(holds).map(|pinned| pinned.name.clone()).collect();
    }
}

fn lost_id(case: &str) -> String {
    format!("lost-regression:{case}")
}

/// Why a case that is not there should be; nothing when the run was not to ask for it.
fn missing(target: &Target, plan: &TestPlan, pinned: &Regression, of: impl Fn(Option<&Check>) -> bool) -> Option<Lost> {
    let ScopeOfRun { operations, personas, only, .. } = &plan.scope;
    // Whoever asks for some cases or people says nothing about the others.
    if !only.is_empty() || !personas.is_empty() {
        return None;
    }
    let (check, rest) = pinned.case.split_once(':').unwrap_or((&pinned.case, ""));
    let known = plan.operations.iter().map(|operation| operation.id.as_str());
    let known = known.filter(|id| rest.strip_prefix(id).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')));
    let known = known.max_by_key(|id| id.len());
    let operation = known.or_else(|| rest.split(':').next()).unwrap_or_default().to_owned();
    if !operations.is_empty() && !operations.contains(&operation) {
        return None;
    }
    let lost = |reason: String| Some(Lost { case: pinned.case.clone(), operation: operation.clone(), reason });
    let found = checks::by_id(check);
    if !of(found) {
        return None;
    }
    let Some(check) = found else { return lost(format!("there is no check `{check}`")) };
    let layer = plan.layers.iter().find(|layer| layer.layer == check.layer)?;
    if let Some(why) = &layer.skipped {
        return lost(format!("its layer `{}` does not run: {why}", check.layer.as_str()));
    }
    if known.is_none() {
        return lost(format!("the API has no operation `{operation}`"));
    }
    let persona = rest.get(operation.len()..).unwrap_or_default().split(':').nth(1);
    match persona.filter(|name| *name != "anonymous" && !target.personas.contains_key(*name)) {
        Some(name) => lost(format!("there is no persona `{name}`")),
        None => lost("no such case is planned".to_owned()),
    }
}

fn case(plan: &TestPlan, lost: &Lost) -> Option<JudgedCase> {
    let check = checks::by_id("lost-regression")?;
    let pinned = plan.regressions.iter().find(|pinned| pinned.case == lost.case)?;
    let of = lost.case.split(':').next().and_then(checks::by_id);
    let what = format!("`{}`, pinned {}, cannot be asked any more: {}", pinned.name, pinned.since, lost.reason);
    Some(JudgedCase {
        client: None,
        id: lost_id(&lost.case),
        check: check.id,
        layer: of.map_or(check.layer, |of| of.layer),
        operation: lost.operation.clone(),
        persona: None,
        relation: Relation::None,
        outcome: Outcome::Fail(Confidence::Confirmed, what),
        steps: Vec::new(),
    })
}
