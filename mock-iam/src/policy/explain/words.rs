//! Explanations as sentences. Must not know how they came about.

use std::fmt;

use cedar_policy::EvaluationError;

use super::{Account, Condition, Explanation, Outcome, ScopeMismatch};

impl fmt::Display for Explanation {
    /// Several lines, without an end of line at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.decision.allowed { "allowed" } else { "denied" })?;
        if self.deciding.is_empty() && self.near_misses.is_empty() && self.decision.errors.is_empty() {
            f.write_str(": no policy permits this action on this type of resource to anybody")?;
        }
        for account in &self.deciding {
            write!(f, "\n{} {}", if account.effect == "permit" { "permitted by" } else { "forbidden by" }, account)?;
        }
        for error in &self.decision.errors {
            write!(f, "\nbecause {error}")?;
        }
        if !self.near_misses.is_empty() {
            f.write_str(": no policy permits it; the nearest first:")?;
        }
        for account in &self.near_misses {
            write!(f, "\nnot permitted by {account}")?;
        }
        for mismatch in &self.decision.mismatches {
            write!(f, "\nnote: the claim `{}` contradicts the directory, which decides", mismatch.property)?;
        }
        Ok(())
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.policy)?;
        let place = format!("{}:{}", self.file, self.line);
        if place != self.policy {
            write!(f, " ({place})")?;
        }
        for ScopeMismatch { required, found } in &self.scope {
            write!(f, "\n  {required}; {found}")?;
        }
        for condition in &self.conditions {
            write!(f, "\n  {condition}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ", self.text)?;
        match (&self.outcome, self.unless) {
            (Outcome::True, false) => f.write_str("is true")?,
            (Outcome::False, false) => f.write_str("is false")?,
            (Outcome::True, true) => f.write_str("is true and must be false")?,
            (Outcome::False, true) => f.write_str("is false, as it must be")?,
            (Outcome::Error(error), _) => write!(f, "cannot be evaluated: {error}")?,
        }
        for (index, operand) in self.values.iter().enumerate() {
            write!(f, "{} `{}` is {}", if index == 0 { ":" } else { "," }, operand.text, operand.value)?;
        }
        Ok(())
    }
}

/// The engine's message without full stop.
pub(super) fn error(error: &EvaluationError) -> String {
    error.to_string().trim_end_matches('.').to_owned()
}
