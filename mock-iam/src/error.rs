//! Why the server cannot start or go on. Must not know HTTP.

use std::path::PathBuf;

use crate::policy::PolicyErrors;

/// Why the server cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The policies of the configuration are wrong.
    #[error(transparent)]
    Policies(#[from] PolicyErrors),
    /// The base URL of the configuration is none.
    #[error("`{text}` is not a base URL")]
    BaseUrl {
        /// What the configuration says.
        text: String,
        /// What is wrong with it.
        source: url::ParseError,
    },
    /// A caller without a token: everybody would be that caller.
    #[error("the token of caller `{caller}` is empty")]
    EmptyToken {
        /// Name of the caller.
        caller: String,
    },
    /// Two callers with one token: the permissions would be those of either.
    #[error("callers `{first}` and `{second}` have the same token")]
    SharedToken {
        /// Name of one.
        first: String,
        /// Name of the other.
        second: String,
    },
    /// The decision log cannot be opened.
    #[error("cannot open the decision log `{}`", path.display())]
    DecisionLog {
        /// Its path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The trust policy of a role is wrong.
    #[error("trust policy of role `{role}`: {problem}")]
    TrustPolicy {
        /// Name of the role.
        role: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The listener failed.
    #[error("the server stopped")]
    Serve(#[source] std::io::Error),
}
