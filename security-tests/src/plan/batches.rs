//! A plan in parts, one operation after the other: whoever only looks at each part needs memory for one. Must not know
//! what is done with them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Options, PlanError, TestPlan, build};
use crate::target::Target;

/// Plans one operation at a time. Each part makes the objects that it needs; together they have the cases of the whole
/// plan, under the same ids.
///
/// # Errors
/// What is wrong with the target or the options as a whole, as [`plan`](super::plan) says.
pub fn batches<'a>(
    target: &'a Target,
    options: &'a Options,
) -> Result<impl Iterator<Item = Result<TestPlan, PlanError>> + 'a, PlanError> {
    let outline = build::outline(target, options)?;
    let operations = build::selected(&outline, options);
    Ok(operations.into_iter().map(move |operation| build::assemble(target, options, &outline, Some(operation))))
}
