//! A plan in parts, one operation after the other: whoever only looks at each part needs memory for one. Must not know
//! what is done with them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Options, PlanError, TestPlan, build, plan};
use crate::target::Target;

/// Plans one operation at a time. Each part makes the objects that it needs; together they have the cases of the whole
/// plan, but that the full set of forged tokens is sent to each part's own representative.
///
/// # Errors
/// What is wrong with the target or the options as a whole, as [`plan`] says.
pub fn batches<'a>(
    target: &'a Target,
    options: &'a Options,
) -> Result<impl Iterator<Item = Result<TestPlan, PlanError>> + 'a, PlanError> {
    let operations = build::selected(target, options)?;
    let part = move |operation: String| plan(target, &Options { operations: vec![operation], ..options.clone() });
    Ok(operations.into_iter().map(part))
}
