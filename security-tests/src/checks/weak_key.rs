//! Is the shared secret that signs tokens easy to guess (RFC 8725 §3.5)? The guessing is offline; what is sent is a token
//! with the guessed key.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Evidence, Work, forged_token, reach};
use crate::plan::Case;
use crate::verdict::{Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "weak-key",
    title: "signs tokens with a key that is easy to guess",
    layer: Layer::Token,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-521",
    severity: Severity::Critical,
    work: Work::Online(|draft| forged_token::plan(draft, "weak-key"), judge),
};

/// Says what the key is like, and never what it is.
fn judge(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let remark = evidence.answer(case.trial.attack).ok().and_then(|answer| answer.remark.as_deref());
    match (reach::judge(case, evidence), remark) {
        (Outcome::Fail(confidence, how), Some(remark)) => {
            Outcome::Fail(confidence, format!("{how}; {remark} (CWE-326)"))
        }
        (outcome, _) => outcome,
    }
}
