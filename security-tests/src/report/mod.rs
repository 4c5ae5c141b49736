//! Reports: one file per format. Must not decide anything.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod json;
mod terminal;
#[cfg(test)]
mod tests;

pub use json::json;
pub use terminal::{Colour, terminal};

use crate::plan::{StepId, curl};
use crate::run::Run;

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
