//! Reports: one file per format. Must not decide anything.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod codequality;
mod html;
mod json;
mod junit;
mod markdown;
mod merge;
mod sarif;
mod terminal;
#[cfg(test)]
mod tests;
mod transcript;

pub use codequality::codequality;
pub use html::{html, html_of};
pub use json::json;
pub use junit::junit;
pub use markdown::markdown;
pub use merge::{MergeError, merge};
pub use sarif::{Source, Sources, place, sarif};
pub use terminal::{Colour, Rows, View, terminal, terminal_of};
pub use transcript::transcript;

use crate::plan::{StepId, curl};
use crate::rollup::Finding;
use crate::run::Run;
use crate::verdict::Confidence;

/// The finding that a case belongs to, directly or because it is explained by it.
pub(crate) fn finding_of<'a>(run: &'a Run, case: &str) -> Option<&'a Finding> {
    let holds = |finding: &&Finding| finding.cases.iter().chain(&finding.explained).any(|id| id == case);
    run.findings.iter().find(holds)
}

/// Whether a finding fails the run.
#[must_use]
pub fn fails(run: &Run, finding: &Finding) -> bool {
    finding.waived.is_none() && !finding.is_advice(run.plan.tier) && finding.confidence != Confidence::Unproven
}

/// Every step of a proof, as reports show it.
pub(crate) fn proof(run: &Run, steps: &[StepId]) -> Vec<Shown> {
    steps.iter().filter_map(|step| shown(run, *step)).collect()
}

/// One step of a proof.
pub(crate) struct Shown {
    /// `control`, `attack`, …
    pub(crate) role: String,
    /// A line for a shell, tokens as variables.
    pub(crate) curl: String,
    /// What came back.
    pub(crate) status: Option<u16>,
}

/// A step as reports show it: never a body, never a token.
pub(crate) fn shown(run: &Run, id: StepId) -> Option<Shown> {
    let step = run.plan.steps.get(id)?;
    let exchange = run.exchanges.get(id).and_then(Option::as_ref);
    let url = exchange.map(|exchange| exchange.url.clone()).unwrap_or_default();
    let status = exchange.and_then(|exchange| exchange.result.as_ref().ok()).map(|answer| answer.status);
    Some(Shown { role: format!("{:?}", step.role).to_lowercase(), curl: curl(step, &url), status })
}
