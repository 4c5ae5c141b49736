//! Why there is no plan. Must not know how one is made.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::Shard;

/// Why there is no plan.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlanError {
    /// A name that the API does not have.
    #[error("the API has no operation `{name}` (named by {by}); it has {known}")]
    UnknownOperation {
        /// The name.
        name: String,
        /// Where it was written.
        by: String,
        /// What there is.
        known: String,
    },
    /// A name that nobody has.
    #[error("there is no persona `{name}`; there are {known}")]
    UnknownPersona {
        /// The name.
        name: String,
        /// Who there is.
        known: String,
    },
    /// A rule speaks of a kind of object that is not described.
    #[error("the rule `{rule}` is on `{name}`, which is not among the resources")]
    UnknownResource {
        /// The rule.
        rule: String,
        /// The name.
        name: String,
    },
    /// Objects that would be inside of themselves.
    #[error("the resource `{name}` is inside of itself")]
    Circle {
        /// Its name.
        name: String,
    },
    /// Somebody has no account and cannot get one.
    #[error("the persona `{name}` has no account: give it a username and a password, or say how to register")]
    NoAccount {
        /// The persona.
        name: String,
    },
    /// More machines than operations.
    #[error("the shard {shard} has nothing to do: there are only {operations} operations to share")]
    EmptyShard {
        /// `3/4`.
        shard: Shard,
        /// What there is to share.
        operations: usize,
    },
    /// Expectations should come from policies that are not there.
    #[error("expectations should come from the policies, but there are none")]
    NoPolicies,
    /// The policies did not answer.
    #[error("the policies cannot answer for `{operation}`: {reason}")]
    Policies {
        /// The operation.
        operation: String,
        /// What the engine said.
        reason: String,
    },
}
