//! Does a token that is expensive to look at cost more than its refusal (RFC 8725 §3.6)? Accepting a long one is no
//! defect; failing over it, or thinking about it for seconds, is worth knowing.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Evidence, Work, forged_token, reach};
use crate::exchange::NoAnswer;
use crate::plan::{Case, StepId};
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "token-size",
    title: "spends much on a token that proves nothing",
    layer: Layer::Token,
    tier: Tier::Hardening,
    owasp: "API4:2023",
    cwe: "CWE-400",
    severity: Severity::Medium,
    work: Work::Online(|draft| forged_token::plan(draft, "token-size"), judge),
};

/// Slower than this, and than so many times the control, is slow.
const SLOW_MS: f64 = 1000.0;
const SLOW_TIMES: f64 = 20.0;

fn judge(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let attack = case.trial.attack;
    let took = |step: StepId| evidence.exchanges.get(step)?.as_ref().map(|exchange| exchange.duration_ms);
    let control = case.trial.control.as_ref().and_then(|control| took(control.step)).unwrap_or_default();
    let spent = took(attack).unwrap_or_default();
    if spent > SLOW_MS && spent > SLOW_TIMES * control {
        return Outcome::Fail(Confidence::Suspected, format!("took {spent:.0} ms, the control {control:.0} ms"));
    }
    match (reach::judge(case, evidence), evidence.answer(attack)) {
        // RFC 9110 §15.5: a server may close the connection on a header that is too long.
        (_, Err(NoAnswer::Transport(_))) => Outcome::NotApplicable("the connection was closed".to_owned()),
        // Worth knowing, and no hole: whoever sends such a token gets nothing.
        (Outcome::ServerError(status), _) => Outcome::Fail(Confidence::Suspected, format!("failed with {status}")),
        (Outcome::Fail(..) | Outcome::Unproven(_), Ok(answer)) => {
            Outcome::Pass(format!("answered {} in {spent:.0} ms", answer.status))
        }
        (outcome, _) => outcome,
    }
}
