//! Who may do what: Cedar policies, loaded with every mistake named, and decisions over a directory snapshot.
//!
//! Pure: must not know HTTP, files, the clock, or how the directory is changed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod analysis;
mod candidates;
mod convert;
mod engine;
pub(crate) mod entity_type;
mod explain;
mod lift;
mod load;
mod problem;
mod question;
mod search;
mod slice;
mod types;

pub use engine::{ClaimMismatch, Decision, Engine, Policy, QuestionError};
pub use explain::{Account, Condition, Explanation, NearMiss, NearMisses, Note, Operand, Outcome, ScopeMismatch};
pub use problem::{PolicyErrors, PolicyProblem};
pub use question::{Action, Entity, Question};
pub use search::Search;
