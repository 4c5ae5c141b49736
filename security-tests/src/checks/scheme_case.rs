//! Is the scheme of `Authorization` taken in lower case too (RFC 9110 §11.1: schemes are case-insensitive)? Advice.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use super::{Check, Evidence, Work, forged_token, reach};
use crate::login::Carrier;
use crate::oracle::Decision;
use crate::plan::{Action, Case, Control, Credential, Detail, Draft, Phase, Role, Trial};
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "scheme-case",
    title: "refuses a scheme in lower case",
    layer: Layer::Token,
    tier: Tier::Hardening,
    owasp: "API8:2023",
    cwe: "CWE-178",
    severity: Severity::Low,
    work: Work::Online(plan, judge),
};

fn plan(draft: &mut Draft<'_>) {
    let Some(Carrier::Scheme(scheme)) = draft.login().map(|login| login.carrier.clone()) else { return };
    let Some(operation) = forged_token::representative(draft).and_then(|id| draft.plan.operation(&id).cloned()) else {
        return;
    };
    let Some(persona) = draft.somebody_allowed(&operation.id, None) else { return };
    let group = draft.group(Phase::Read);
    let mut request = draft.request(&operation, None, Credential::Persona(persona.clone()));
    let control = draft.step(group, Role::Control, Action::Request(Box::new(request.clone())));
    request.carrier = Arc::new(Carrier::Scheme(scheme.to_ascii_lowercase()));
    let attack = draft.step(group, Role::Attack, Action::Request(Box::new(request)));
    let control = Control { step: control, persona: persona.clone(), ..Control::default() };
    let trial = Trial { attack, control: Some(control), ..Trial::default() };
    let mut case = forged_token::impersonation(CHECK.id, &operation.id, &persona, "lower-case", trial);
    (case.expected, case.detail) = (Decision::Allow, Detail::None);
    draft.case(case);
}

fn judge(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    if let Err(reason) = reach::control(&case.trial, evidence) {
        return Outcome::Inconclusive(reason);
    }
    match evidence.answer(case.trial.attack) {
        Err(reason) => reach::no_answer(&reason),
        Ok(answer) if reach::worked(answer) => Outcome::Pass(format!("accepted with {}", answer.status)),
        Ok(answer) if answer.is_5xx() => Outcome::ServerError(answer.status),
        Ok(answer) => Outcome::Fail(Confidence::Confirmed, format!("refused with {}", answer.status)),
    }
}
