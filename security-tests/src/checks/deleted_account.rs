//! Is the token of a deleted account refused on the next request: when it asks who it is, makes something, and sets
//! another's password?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::account_case::{self, Subject};
use super::{Check, Evidence, Work, reach};
use crate::login::Call;
use crate::plan::{
    Action, Case, Credential, Detail, Draft, Role, SignInProof, StepId, Trial, placeholder, request, secret_name,
};
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "deleted-account",
    title: "answers the token of an account that was deleted",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-613",
    severity: Severity::High,
    work: Work::Online(plan, judge),
};

fn plan(draft: &mut Draft<'_>) {
    let Some(call) = draft.login().and_then(|login| login.delete.clone()) else { return };
    let Some(subject) = account_case::subject(draft) else { return };
    let Some(deleted) = subject.change(draft, &call, &[]) else { return };
    let attack = subject.ask_again(draft);
    draft.case(subject.case(CHECK.id, "", (attack, vec![deleted])));
    if let Some(password) = draft.login().and_then(|login| login.password.clone()) {
        set_password(draft, &subject, &password, deleted);
    }
}

/// The deleted account sets somebody else's password, where the path says whose it is.
fn set_password(draft: &mut Draft<'_>, subject: &Subject, call: &Call, deleted: StepId) -> Option<()> {
    let operation = draft.plan.operation(&call.operation)?.clone();
    if operation.path_parameters().is_empty() {
        return None;
    }
    let victim = draft.new_account(subject.group, &subject.persona)?;
    let object = draft.account_as_object(&victim)?;
    let secret = draft.new_secret(&victim);
    let mut attack = draft.call(call, Some(object), &subject.actor)?;
    attack.credential = Credential::Held(subject.actor.clone());
    attack.body = attack.body.map(|body| request::replace(&body, &[("new.password", placeholder(&secret))]));
    let attack = draft.step(subject.group, Role::Attack, Action::Request(Box::new(attack)));
    let with_new = draft.try_password(subject.group, &victim, &secret)?;
    let with_old = draft.try_password(subject.group, &victim, &secret_name(&victim))?;
    let mut case = subject.case(CHECK.id, ":password", (attack, vec![deleted]));
    case.id = format!("{}:{}:{}", CHECK.id, operation.id, subject.persona);
    case.operation = operation.id;
    case.detail = Detail::None;
    case.trial = Trial { sign_in: Some(SignInProof { with_new, with_old }), ..case.trial };
    draft.case(case);
    Some(())
}

/// Where a password was at stake only a login with it counts; whether that shows is known from the victim's own.
fn judge(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let Some(proof) = case.trial.sign_in else { return reach::refused(case, evidence) };
    if let Err(reason) = reach::preparation(&case.trial, evidence) {
        return Outcome::Inconclusive(reason);
    }
    let signed_in = |step: StepId| evidence.optional(Some(step)).is_some_and(|answer| answer.signed_in);
    match (signed_in(proof.with_new), signed_in(proof.with_old), evidence.answer(case.trial.attack)) {
        (_, _, Err(reason)) => reach::no_answer(&reason),
        (true, false, _) => Outcome::Fail(Confidence::Confirmed, "it set the password of somebody else".to_owned()),
        (_, _, Ok(answer)) if answer.is_5xx() => Outcome::ServerError(answer.status),
        (false, true, Ok(answer)) => Outcome::Pass(format!("answered {} without effect", answer.status)),
        _ => Outcome::Inconclusive("the victim's login shows nothing".to_owned()),
    }
}
