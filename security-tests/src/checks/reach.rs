//! Did a request that must be refused reach anything? A status code is no oracle: markers, identity, effects and the
//! way in which this API refuses decide, and only against a control that worked. Must not know single checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::Evidence;
use crate::exchange::{Answer, NoAnswer};
use crate::oracle::Decision;
use crate::plan::{Case, Control, Detail, PlannedCell, Trial};
use crate::verdict::{Confidence, Observed, Outcome};

/// Judges a case by what it expects.
pub(crate) fn judge(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    match case.expected {
        Decision::Allow => allowed(case, evidence),
        Decision::Deny => denied(case, evidence),
    }
}

/// Whether an answer shows that a request worked.
pub(crate) fn worked(answer: &Answer) -> bool {
    answer.is_2xx() && !answer.says_no(None)
}

/// How an answer refuses, if it does: by status, by words, or as this API refuses anonymous callers.
pub(crate) fn refusal(answer: &Answer, control: Option<&Answer>, anonymous: Option<&Answer>) -> Option<String> {
    match answer.status {
        300..=399 if control.is_some_and(|control| control.status == answer.status) => None,
        300..=499 => Some(format!("refused with {}", answer.status)),
        _ if answer.says_no(control) => Some("refused in the body".to_owned()),
        _ => {
            let (control, anonymous) = (control?, anonymous?);
            let as_anonymous = answer.resembles(anonymous) && !control.resembles(anonymous);
            as_anonymous.then(|| "answered as anonymous callers are".to_owned())
        }
    }
}

fn allowed(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    match evidence.answer(case.trial.attack) {
        Err(reason) => no_answer(&reason),
        Ok(answer) if worked(answer) => Outcome::Pass(format!("allowed with {}", answer.status)),
        // A gateway or a dependency that is down says nothing about the API.
        Ok(answer) if matches!(answer.status, 502..=504) => {
            Outcome::Inconclusive(format!("answered {}", answer.status))
        }
        Ok(answer) if answer.is_5xx() => Outcome::ServerError(answer.status),
        Ok(answer) => Outcome::Inconclusive(format!("allowed by the rules, but answered {}", answer.status)),
    }
}

/// Judges a request that must be refused.
pub(crate) fn denied(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let trial = &case.trial;
    let answer = match evidence.answer(trial.attack) {
        Ok(answer) => answer,
        Err(reason) => return no_answer(&reason),
    };
    let control = match control(trial, evidence) {
        Ok(control) => control,
        Err(reason) => return Outcome::Inconclusive(reason),
    };
    if answer.status == 429 {
        return Outcome::Inconclusive("rate limited".to_owned());
    }
    if let Some(leak) = evidence.leak(answer, case.persona.as_deref(), trial.written.as_deref()) {
        return confirmed(format!("the answer holds the marker of an object of {}", leak.owner));
    }
    let effect = effect(trial, answer, evidence);
    if let Effect::Seen(what) = &effect {
        return confirmed(what.clone());
    }
    if answer.is_5xx() {
        return Outcome::ServerError(answer.status);
    }
    if let Some(how) = refusal(answer, Some(control), evidence.anonymous(&case.operation)) {
        return Outcome::Pass(how);
    }
    if matches!(effect, Effect::Absent) {
        return Outcome::Pass(format!("answered {} without effect", answer.status));
    }
    accepted(case, answer, control, evidence)
}

/// The control's answer, when it worked.
fn control<'a>(trial: &Trial, evidence: &Evidence<'a>) -> Result<&'a Answer, String> {
    for step in &trial.needs {
        let answer = evidence.answer(*step).map_err(|reason| format!("a preparation failed: {}", reason.reason()))?;
        if !answer.is_2xx() {
            return Err(format!("a preparation failed with {}", answer.status));
        }
    }
    let Some(control) = &trial.control else {
        return Err("nobody is allowed, so nothing shows that it works".to_owned());
    };
    let by = &control.persona;
    let answer =
        evidence.answer(control.step).map_err(|reason| format!("the control by {by} failed: {}", reason.reason()))?;
    if worked(answer) { Ok(answer) } else { Err(format!("the control by {by} was answered {}", answer.status)) }
}

/// What a 2xx that is no refusal amounts to.
fn accepted(case: &Case, answer: &Answer, control: &Answer, evidence: &Evidence<'_>) -> Outcome {
    let written = case.trial.written.as_deref();
    if written.is_some_and(|written| answer.text.contains(written)) && answer.resembles(control) {
        return confirmed("the answer shows what was written".to_owned());
    }
    let by = case.trial.control.as_ref().map_or("", |control| control.persona.as_str());
    if case.detail == Detail::Impersonation || case.persona.is_none() {
        let personal = |answer: &Answer| {
            answer.text.contains(&format!("\"{by}\""))
                || evidence.markers(&answer.text, written).iter().any(|m| m.owner == by)
        };
        if personal(answer) {
            return confirmed(format!("the answer is the one of {by}"));
        }
        if personal(control) {
            return Outcome::Pass("answered without anybody's data".to_owned());
        }
    }
    if answer.is_empty() && !control.is_empty() {
        return Outcome::Pass("answered with nothing".to_owned());
    }
    if answer.resembles(control) {
        let why = format!("answered {} like {by}, who is allowed", answer.status);
        let same = answer.text == control.text && !answer.is_empty();
        return Outcome::Fail(if same { Confidence::Confirmed } else { Confidence::Suspected }, why);
    }
    Outcome::Unproven(format!("answered {}, neither like a refusal nor like {by}", answer.status))
}

/// What reading back shows.
enum Effect {
    /// Something happened.
    Seen(String),
    /// Nothing did, where the control's effect was seen.
    Absent,
    /// Cannot be told.
    Unknown,
}

fn effect(trial: &Trial, answer: &Answer, evidence: &Evidence<'_>) -> Effect {
    let (Some(before), Some(after)) = (evidence.optional(trial.before), evidence.optional(trial.after)) else {
        return Effect::Unknown;
    };
    if trial.written.as_ref().is_some_and(|written| after.text.contains(written)) {
        return Effect::Seen("reading the object back shows what was written".to_owned());
    }
    if !worked(before) || after.is_5xx() {
        return Effect::Unknown;
    }
    if !worked(after) {
        return Effect::Seen(format!("the object is gone: reading it back is answered {}", after.status));
    }
    let typical = trial.control.as_ref().map(|control| visible_effect(control, evidence));
    let Some(Some(typical)) = typical else { return Effect::Unknown };
    let changed = before.changed_fields(after);
    // Only fields that the control changed too: others may change by themselves.
    match changed.intersection(&typical).next() {
        Some(field) if answer.is_2xx() && trial.written.is_none() => {
            Effect::Seen(format!("reading the object back shows another `{field}`"))
        }
        _ => Effect::Absent,
    }
}

/// The fields that the control changed; nothing when its effect cannot be seen.
fn visible_effect(control: &Control, evidence: &Evidence<'_>) -> Option<std::collections::BTreeSet<String>> {
    let (before, after) = (evidence.optional(control.before)?, evidence.optional(control.after)?);
    let changed = before.changed_fields(after);
    let visible = match &control.written {
        // Where a marker is written, only the marker tells one write from another.
        Some(written) => after.text.contains(written),
        None => !changed.is_empty() || worked(before) != worked(after),
    };
    visible.then_some(changed)
}

fn confirmed(why: String) -> Outcome {
    Outcome::Fail(Confidence::Confirmed, why)
}

/// A case without an answer.
pub(crate) fn no_answer(reason: &NoAnswer) -> Outcome {
    match reason {
        NoAnswer::NotApplicable(reason) => Outcome::NotApplicable(reason.clone()),
        NoAnswer::OutOfTime(reason) => Outcome::NotRun(reason.clone()),
        NoAnswer::Transport(reason) | NoAnswer::NotSent(reason) => Outcome::Inconclusive(reason.clone()),
    }
}

/// What was seen in a cell of the matrix.
pub(crate) fn observed(cell: &PlannedCell, case: &Case, evidence: &Evidence<'_>) -> Observed {
    let Ok(answer) = evidence.answer(case.trial.attack) else { return Observed::NotRun };
    match (judge(case, evidence), cell.expected) {
        (Outcome::Pass(_), Decision::Allow) | (Outcome::Fail(..), _) => Observed::Allow,
        (Outcome::Pass(_), Decision::Deny) => Observed::Deny,
        (Outcome::ServerError(_), _) => Observed::Error,
        (Outcome::NotApplicable(_) | Outcome::NotRun(_), _) => Observed::NotRun,
        (Outcome::Unproven(_), _) => Observed::Unproven,
        (Outcome::Inconclusive(_), _) if answer.is_5xx() => Observed::Error,
        (Outcome::Inconclusive(_), _) if (400..500).contains(&answer.status) => Observed::Deny,
        (Outcome::Inconclusive(_), _) => Observed::Unproven,
    }
}
