//! What a set of policies means for everybody at once: expectations, coverage, grants, differences.
//!
//! All of it is asked of a [`World`]: every question that the seeded people can put about the objects that the schema
//! allows. Exact for that world, and silent about any other. Must not know files, and who shows the result.

mod coverage;
mod diff;
mod expectation;
mod world;

pub use coverage::{Coverage, PolicyUse, coverage};
pub use diff::{Change, Diff, diff};
pub use expectation::{Expectation, Failure, TestFile, TestRun, run};
pub use world::{Case, Examples, World};

#[cfg(test)]
mod tests;
