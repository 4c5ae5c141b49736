//! Did a request that must be refused reach anything? A status code is no oracle: markers, identity, effects and the
//! way in which this API refuses decide, and only against a control that worked. Must not know single checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::Evidence;
use crate::exchange::{Answer, NoAnswer};
use crate::oracle::Decision;
use crate::plan::{Action, Case, Control, Detail, Marker, PlannedCell, SignInProof, StepId, Trial};
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
    if answer.status == 429 {
        return Outcome::Inconclusive("rate limited".to_owned());
    }
    if trial.control.is_none() && trial.needs.is_empty() {
        return denied_to_all(case, answer, evidence);
    }
    let control = match control(trial, evidence) {
        Ok(control) => control,
        Err(reason) => return Outcome::Inconclusive(reason),
    };
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

/// Judges a request that nobody may send: no control can show that it would work, but an answer shows that it did.
fn denied_to_all(case: &Case, answer: &Answer, evidence: &Evidence<'_>) -> Outcome {
    if let Some(leak) = evidence.leak(answer, case.persona.as_deref(), case.trial.written.as_deref()) {
        return confirmed(format!("the answer holds the marker of an object of {}", leak.owner));
    }
    if let Effect::Seen(what) = effect(&case.trial, answer, evidence) {
        return confirmed(what);
    }
    match answer.status {
        // RFC 9110 §15.5: unauthorized, forbidden, not found, not allowed, gone; or sent to where one logs in.
        300..=399 | 401 | 403..=405 | 410 => Outcome::Pass(format!("refused with {}", answer.status)),
        502..=504 => Outcome::Inconclusive(format!("answered {}", answer.status)),
        500.. => Outcome::ServerError(answer.status),
        400..=499 => {
            let why = "nobody is allowed, so nothing shows whether the request was right";
            Outcome::Inconclusive(format!("answered {}, and {why}", answer.status))
        }
        _ if answer.says_no(None) => Outcome::Pass("refused in the body".to_owned()),
        _ if evidence.is_learned_refusal(answer) => {
            Outcome::Pass("answered like a path that does not exist".to_owned())
        }
        _ => {
            let others =
                evidence.plan.accounts.iter().filter(|(_, account)| Some(&account.persona) != case.persona.as_ref());
            let named = others.into_iter().find(|(actor, _)| evidence.names(answer, actor));
            let what = format!("nobody may, and it was answered {}", answer.status);
            match named {
                Some((_, account)) => confirmed(format!("{what} with data of {}", account.persona)),
                None => Outcome::Fail(Confidence::Suspected, what),
            }
        }
    }
}

/// Whether everything worked that a case needs.
pub(crate) fn preparation(trial: &Trial, evidence: &Evidence<'_>) -> Result<(), String> {
    for step in &trial.needs {
        let answer = evidence.answer(*step).map_err(|reason| format!("a preparation failed: {}", reason.reason()))?;
        if !answer.is_2xx() {
            return Err(format!("a preparation failed with {}", answer.status));
        }
        let logs_in = matches!(evidence.plan.steps.get(*step).map(|step| &step.action),
            Some(Action::Request(request)) if request.signs_in.is_some());
        if answer.says_no(None) || logs_in && !answer.signed_in {
            return Err(format!("a preparation failed: answered {}, and the body says no", answer.status));
        }
    }
    Ok(())
}

/// The control's answer, when it worked.
pub(crate) fn control<'a>(trial: &Trial, evidence: &Evidence<'a>) -> Result<&'a Answer, String> {
    preparation(trial, evidence)?;
    let Some(control) = &trial.control else {
        return Err("nobody is allowed, so nothing shows that it works".to_owned());
    };
    let by = &control.persona;
    let answer =
        evidence.answer(control.step).map_err(|reason| format!("the control by {by} failed: {}", reason.reason()))?;
    if worked(answer) { Ok(answer) } else { Err(format!("the control by {by} was answered {}", answer.status)) }
}

/// Judges a token that must not be taken at all: whatever is answered beside a refusal shows that it was.
pub(crate) fn refused(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    match (denied(case, evidence), evidence.answer(case.trial.attack)) {
        (Outcome::Pass(how), Ok(answer)) => {
            let control = case.trial.control.as_ref().and_then(|control| evidence.optional(Some(control.step)));
            let taken = worked(answer) && refusal(answer, control, evidence.anonymous(&case.operation)).is_none();
            if taken {
                Outcome::Fail(Confidence::Suspected, format!("accepted with {}", answer.status))
            } else {
                Outcome::Pass(how)
            }
        }
        (outcome, _) => outcome,
    }
}

/// Judges a token or an account that was raised: at fault only where the plain one is refused.
pub(crate) fn raised(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let raised = judge(case, evidence);
    let Detail::Raised(plain) = &case.detail else { return raised };
    let plain = Case { trial: plain.clone(), detail: Detail::None, ..case.clone() };
    match (raised, judge(&plain, evidence)) {
        (Outcome::Fail(..), Outcome::Fail(..)) => Outcome::NotApplicable("the plain one gets there too".to_owned()),
        (raised, _) => raised,
    }
}

/// What a 2xx that is no refusal amounts to.
fn accepted(case: &Case, answer: &Answer, control: &Answer, evidence: &Evidence<'_>) -> Outcome {
    let written = case.trial.written.as_deref();
    if written.is_some_and(|written| answer.text.contains(written)) && answer.resembles(control) {
        return confirmed("the answer shows what was written".to_owned());
    }
    let by = case.trial.control.as_ref().map_or("", |control| control.persona.as_str());
    let actor = case.trial.control.as_ref().and_then(|control| control.actor.as_deref()).unwrap_or(by);
    if case.detail == Detail::Impersonation || case.persona.is_none() {
        let own = case.persona.as_deref() == Some(by);
        let tells =
            |marker: &&Marker| marker.owner == by && (own || evidence.must_not_see(case.persona.as_deref(), marker));
        let personal = |answer: &Answer| {
            evidence.names(answer, actor) || evidence.markers(&answer.text, written).iter().any(tells)
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
    if let Some(sign_in) = trial.sign_in {
        let proven = |sign_in: SignInProof| {
            let signed_in = |step: StepId| evidence.optional(Some(step)).map(|answer| answer.signed_in);
            Some((signed_in(sign_in.with_new)?, signed_in(sign_in.with_old)?))
        };
        let visible =
            trial.control.as_ref().is_none_or(|control| control.sign_in.and_then(proven) == Some((true, false)));
        return match proven(sign_in) {
            Some((true, false)) => {
                Effect::Seen("the owner's login takes the password that was set, and not the one before".to_owned())
            }
            Some((false, _)) if visible => Effect::Absent,
            _ => Effect::Unknown,
        };
    }
    let (Some(before), Some(after)) = (evidence.optional(trial.before), evidence.optional(trial.after)) else {
        return Effect::Unknown;
    };
    if trial.written.as_ref().is_some_and(|written| after.text.contains(written)) {
        return Effect::Seen("reading the object back shows what was written".to_owned());
    }
    if !worked(before) || after.is_5xx() {
        return Effect::Unknown;
    }
    if is_gone(trial, before, after) {
        return Effect::Seen(format!("the object is gone: reading it back is answered {}", after.status));
    }
    let typical = trial.control.as_ref().map(|control| visible_effect(trial, control, evidence));
    let Some(Some(typical)) = typical else { return Effect::Unknown };
    if trial.listed.is_some() {
        // The list changes by itself: only that the object stays in it, as it was, shows anything.
        return Effect::Absent;
    }
    let changed = before.changed_fields(after);
    // Only fields that the control changed too: others may change by themselves.
    match changed.intersection(&typical).next() {
        Some(field) if answer.is_2xx() && trial.written.is_none() => {
            Effect::Seen(format!("reading the object back shows another `{field}`"))
        }
        _ => Effect::Absent,
    }
}

/// Whether the object can no longer be read: by itself, or in the list that showed it. A reader whose token ended, or
/// who asked too often, is no proof.
fn is_gone(trial: &Trial, before: &Answer, after: &Answer) -> bool {
    match &trial.listed {
        Some(marker) => before.text.contains(marker) && after.is_2xx() && !after.text.contains(marker),
        None => !worked(after) && !matches!(after.status, 401 | 429),
    }
}

/// The fields that the control changed; nothing when its effect cannot be seen.
fn visible_effect(
    trial: &Trial,
    control: &Control,
    evidence: &Evidence<'_>,
) -> Option<std::collections::BTreeSet<String>> {
    let (before, after) = (evidence.optional(control.before)?, evidence.optional(control.after)?);
    let changed = before.changed_fields(after);
    let visible = match (&control.written, &trial.listed) {
        // Where a marker is written, only the marker tells one write from another.
        (Some(written), _) => after.text.contains(written),
        // The control had an object of its own, so its list showed another marker: it is enough that it changed.
        (None, Some(_)) => before.text != after.text,
        (None, None) => !changed.is_empty() || worked(before) != worked(after),
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
