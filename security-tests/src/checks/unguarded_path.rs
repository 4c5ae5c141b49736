//! Is another spelling of a path guarded as the path is?
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Evidence, Work, identity, shaped_request};
use crate::plan::{Action, Case};
use crate::verdict::{Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "unguarded-path",
    title: "answers another spelling of the request without a token",
    layer: Layer::Token,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-288",
    severity: Severity::Critical,
    work: Work::Online(|draft| shaped_request::plan(draft, "unguarded-path"), judge),
};

/// Headers that some proxies take for the path. The request itself asks for what everybody may see, which may name
/// anybody: only an answer in the form of the guarded operation's came from there.
const INSTEAD_OF_THE_PATH: [&str; 2] = ["X-Original-URL", "X-Rewrite-URL"];

fn judge(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let outcome = identity::judge(case, evidence);
    if !matches!(outcome, Outcome::Fail(..)) || !asks_elsewhere(case, evidence) {
        return outcome;
    }
    let control = case.trial.control.as_ref().and_then(|control| evidence.optional(Some(control.step)));
    match (evidence.optional(Some(case.trial.attack)), control) {
        (Some(answer), Some(control)) if answer.resembles(control) => outcome,
        _ => Outcome::Pass("the path in the header is not followed".to_owned()),
    }
}

fn asks_elsewhere(case: &Case, evidence: &Evidence<'_>) -> bool {
    let Some(Action::Request(request)) = evidence.plan.steps.get(case.trial.attack).map(|step| &step.action) else {
        return false;
    };
    request.headers.iter().any(|(name, _)| INSTEAD_OF_THE_PATH.contains(&name.as_str()))
}
