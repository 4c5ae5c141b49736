//! Is a token that is bound to a key refused without a proof of that key (RFC 9449 §7.2)? Asked only of an API that takes
//! a good proof: one that knows nothing of proofs takes such a token for a plain one, as RFC 9449 §7.2 expects.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Check, Evidence, Work, forged_token, reach};
use crate::plan::{Attempt, Case, Credential, Detail, Draft, StepId};
use crate::tokens::forge::Proof;
use crate::tokens::{Oddity, Place, SHAPES, catalogue};
use crate::verdict::{Layer, Outcome, Severity, Tier};

pub(super) static CHECK: Check = Check {
    id: "sender-constraint",
    title: "accepts a bound token without its proof",
    layer: Layer::Token,
    tier: Tier::Profile,
    owasp: "API2:2023",
    cwe: "CWE-294",
    severity: Severity::Medium,
    work: Work::Online(plan, judge),
};

fn plan(draft: &mut Draft<'_>) {
    let Some(operation) = forged_token::representative(draft) else { return };
    let Some(persona) = draft.somebody_allowed(&operation, None) else { return };
    let place = (operation.as_str(), persona.as_str());
    let Some(good) = proven(draft, place, Proof::Good) else { return };
    for shape in SHAPES.iter().filter(|shape| shape.check == CHECK.id) {
        if let Oddity::Bound(proof) = shape.oddity {
            let attempt = Attempt::refused(bound(&persona, proof));
            case(draft, place, (shape.name, good), attempt);
        }
    }
    for forgery in catalogue().filter(|forgery| forgery.check == CHECK.id) {
        let attempt = Attempt::refused(Credential::Forged(persona.clone(), forgery.name));
        case(draft, place, (forgery.name, good), attempt);
    }
}

fn case(draft: &mut Draft<'_>, (operation, persona): (&str, &str), (name, good): (&str, StepId), attempt: Attempt) {
    let Some(trial) = draft.attempt(operation, None, attempt) else { return };
    let mut case = forged_token::impersonation(CHECK.id, operation, persona, name, trial);
    case.detail = Detail::Where(good);
    draft.case(case);
}

fn proven(draft: &mut Draft<'_>, (operation, persona): (&str, &str), proof: Proof) -> Option<StepId> {
    let trial = draft.attempt(operation, None, Attempt::refused(bound(persona, proof)))?;
    Some(trial.attack)
}

/// A token bound to the client's key, with a proof.
fn bound(persona: &str, proof: Proof) -> Credential {
    let token = Credential::Forged(persona.to_owned(), "dpop-bound-as-bearer");
    Credential::Placed(Box::new(token), Place::Proven(proof))
}

fn judge(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    let Detail::Where(good) = case.detail else { return reach::judge(case, evidence) };
    if !evidence.answer(good).is_ok_and(reach::worked) {
        return Outcome::NotApplicable("the API takes no proof of possession".to_owned());
    }
    reach::judge(&Case { detail: Detail::Impersonation, ..case.clone() }, evidence)
}
