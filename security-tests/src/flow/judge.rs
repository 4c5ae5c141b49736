//! What the judges of this layer have in common: a control that worked, a setup that worked, an attack that was refused.
//! Must not know single checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::meaning::{Meaning, meaning};
use super::{Call, Subject};
use crate::checks::Evidence;
use crate::exchange::{Answer, NoAnswer};
use crate::plan::{Action, Case, Detail, StepId};
use crate::verdict::{Confidence, Outcome};

/// What the case is about.
pub(crate) fn subject(case: &Case) -> &Subject {
    static NOTHING: Subject = Subject {
        client: None,
        grant: None,
        earlier: Vec::new(),
        between: Vec::new(),
        proofs: Vec::new(),
        value: String::new(),
        obstacle: None,
    };
    if let Detail::Flow(subject) = &case.detail { subject } else { &NOTHING }
}

/// What the answer to a step means.
pub(crate) fn read(evidence: &Evidence<'_>, step: StepId) -> Result<Meaning, NoAnswer> {
    let answer = evidence.answer(step)?;
    match call(evidence, step) {
        Some(call) => Ok(meaning(call, answer)),
        None => Err(NoAnswer::NotSent("the step is no call".to_owned())),
    }
}

/// The call of a step.
pub(crate) fn call<'a>(evidence: &Evidence<'a>, step: StepId) -> Option<&'a Call> {
    match &evidence.plan.steps.get(step)?.action {
        Action::Flow(call) => Some(call),
        _ => None,
    }
}

/// Why nothing can be said: the sound run or the setup did not work.
pub(crate) fn unready(case: &Case, evidence: &Evidence<'_>) -> Option<Outcome> {
    if let Some(obstacle) = &subject(case).obstacle {
        return Some(Outcome::NotApplicable(obstacle.clone()));
    }
    let control = case.trial.control.as_ref().map(|control| control.step);
    // Needs come first: what the control lacks is among them.
    case.trial.needs.iter().copied().chain(control).find_map(|step| did_not_work(evidence, step))
}

/// Why a step that should work proves nothing, when it did not.
pub(crate) fn did_not_work(evidence: &Evidence<'_>, step: StepId) -> Option<Outcome> {
    let call = call(evidence, step)?;
    let failed = |how: String| {
        let who = if call.client.is_empty() { String::new() } else { format!(" for `{}`", call.client) };
        Some(Outcome::Inconclusive(format!("the {} does not work{who}: {how}", call.endpoint.title())))
    };
    match read(evidence, step) {
        Ok(Meaning::Granted(_)) => None,
        Ok(Meaning::Refused(how) | Meaning::Unclear(how)) => failed(how),
        Ok(Meaning::Failed(status)) => failed(format!("answered {status}")),
        Err(reason) => Some(no_answer(reason)),
    }
}

/// What the lack of an answer amounts to.
pub(crate) fn no_answer(reason: NoAnswer) -> Outcome {
    match reason {
        NoAnswer::NotApplicable(reason) => Outcome::NotApplicable(reason),
        NoAnswer::OutOfTime(reason) => Outcome::NotRun(reason),
        NoAnswer::Transport(reason) | NoAnswer::NotSent(reason) => Outcome::Inconclusive(reason),
    }
}

/// The answer in question, once all before it went as planned.
pub(crate) fn answered<'a>(case: &Case, evidence: &Evidence<'a>) -> Result<&'a Answer, Outcome> {
    if let Some(outcome) = unready(case, evidence) {
        return Err(outcome);
    }
    if let Some(outcome) = did_not_work(evidence, case.trial.attack) {
        return Err(outcome);
    }
    evidence.answer(case.trial.attack).map_err(no_answer)
}

/// An attack that a sound provider refuses, wherever in its course.
pub(crate) fn refused(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    attacked(case, evidence).map_or_else(
        |outcome| outcome,
        |given| Outcome::Fail(Confidence::Confirmed, format!("{} gives {given}", title(case, evidence))),
    )
}

/// What an attack was given, or what it amounts to when it was given nothing.
pub(crate) fn attacked(case: &Case, evidence: &Evidence<'_>) -> Result<&'static str, Outcome> {
    if let Some(outcome) = unready(case, evidence) {
        return Err(outcome);
    }
    for step in &subject(case).earlier {
        given(evidence, *step)?;
    }
    given(evidence, case.trial.attack)
}

fn given(evidence: &Evidence<'_>, step: StepId) -> Result<&'static str, Outcome> {
    let endpoint = call(evidence, step).map_or("", |call| call.endpoint.title());
    match read(evidence, step) {
        Ok(Meaning::Granted(what)) => Ok(what),
        Ok(Meaning::Refused(how)) => Err(Outcome::Pass(format!("refused: the {endpoint} {how}"))),
        Ok(Meaning::Failed(status)) => Err(Outcome::ServerError(status)),
        Ok(Meaning::Unclear(how)) => Err(Outcome::Unproven(format!("the {endpoint} {how}"))),
        Err(reason) => Err(no_answer(reason)),
    }
}

fn title(case: &Case, evidence: &Evidence<'_>) -> String {
    let title = call(evidence, case.trial.attack).map_or("provider", |call| call.endpoint.title());
    format!("the {title}")
}

/// A claim about an answer: it holds, or it is a defect.
pub(crate) fn holds(fact: bool, good: &str, bad: impl FnOnce() -> String) -> Outcome {
    if fact { Outcome::Pass(good.to_owned()) } else { Outcome::Fail(Confidence::Confirmed, bad()) }
}
