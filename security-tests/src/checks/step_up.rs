//! Is a token refused whose user authenticated too weakly or too long ago, and does the answer say what would help (RFC
//! 9470 §3)? Only where `step_up` says what an operation asks for; who authenticated so was served just before.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::Value;

use super::{Check, Evidence, Work, forged_token, reach};
use crate::plan::{Attempt, Case, Credential, Detail, Draft};
use crate::tokens::Mint;
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "step-up",
    title: "takes a weak authentication for a strong one",
    layer: Layer::Session,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-308",
    severity: Severity::High,
    work: Work::Online(plan, reach::judge),
};

pub(super) static CHALLENGE: Check = Check {
    id: "step-up-challenge",
    title: "does not say that a stronger authentication would help",
    layer: Layer::Session,
    tier: Tier::Profile,
    owasp: "API2:2023",
    cwe: "CWE-308",
    severity: Severity::Low,
    work: Work::Online(|_| (), judge_challenge),
};

fn plan(draft: &mut Draft<'_>) {
    if draft.target.provider.is_none() {
        return;
    }
    for operation in draft.operations() {
        let Some(step_up) = draft.rule(&operation.id).and_then(|rule| rule.step_up.clone()) else { continue };
        let owner = draft.resource_of(&operation.id).and_then(|(name, _)| draft.owners(name).first().cloned());
        let Some(persona) = draft.somebody_allowed(&operation.id, owner.as_deref()) else { continue };
        let without = |name, claim| (name, Mint { name, ..Mint::claim(claim, Value::Null) });
        let forged = |name| Credential::Forged(persona.clone(), name);
        let minted = |(name, mint)| (name, Credential::Minted(persona.clone(), mint));
        let mut weak = Vec::new();
        if step_up.acr.is_some() {
            weak.extend([("acr-too-low", forged("acr-too-low")), minted(without("acr-missing", "acr"))]);
        }
        if step_up.max_age.is_some() {
            let old = ("auth-time-too-old", forged("auth-time-too-old"));
            weak.extend([old, minted(without("auth-time-missing", "auth_time"))]);
        }
        for (name, credential) in weak {
            let Some(trial) = draft.attempt(&operation.id, owner.as_deref(), Attempt::refused(credential)) else {
                continue;
            };
            // The user is the right one: that it is theirs is no impersonation.
            let case = Case {
                detail: Detail::None,
                ..forged_token::impersonation(CHECK.id, &operation.id, &persona, name, trial)
            };
            let id = format!("{}:{}:{persona}:{name}", CHALLENGE.id, operation.id);
            draft.case(Case { id, check: CHALLENGE.id, ..case.clone() });
            draft.case(case);
        }
    }
}

/// RFC 9470 §3: 401 with this error, so that a client knows to ask the user.
fn judge_challenge(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    const ERROR: &str = "insufficient_user_authentication";
    let asks = |challenge: &String| challenge.contains(ERROR);
    match (reach::judge(case, evidence), evidence.answer(case.trial.attack)) {
        (Outcome::Pass(_), Ok(answer)) if answer.status == 401 && answer.challenge.as_ref().is_some_and(asks) => {
            Outcome::Pass(format!("refused with 401 and `{ERROR}`"))
        }
        (Outcome::Pass(how), Ok(_)) => Outcome::Fail(Confidence::Confirmed, format!("{how}, without `{ERROR}`")),
        (Outcome::Fail(..), _) => Outcome::NotApplicable("it is not refused at all".to_owned()),
        (outcome, _) => outcome,
    }
}
