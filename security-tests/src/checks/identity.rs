//! For requests that many sound applications answer somehow: only somebody's identity or marker in the answer, or an
//! effect, is a defect; an answer that merely looks like one is none. Must not know single checks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Evidence, reach};
use crate::plan::Case;
use crate::verdict::{Confidence, Outcome};

/// Judges a case by whose data came back.
pub(crate) fn judge(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    match reach::judge(case, evidence) {
        Outcome::Fail(Confidence::Suspected | Confidence::Unproven, how) | Outcome::Unproven(how) => {
            Outcome::Pass(format!("{how}, with nobody's data"))
        }
        outcome => outcome,
    }
}
