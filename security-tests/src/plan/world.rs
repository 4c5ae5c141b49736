//! Changes of provider and IAM that no standard protocol has a word for, each with its way back, and signed statements
//! that they make for the API. Must not know how they are ordered.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;

use serde_json::{Map, Value};

use crate::tokens::Mint;

/// A change of provider or IAM, or its way back.
#[derive(Clone, Debug, PartialEq)]
pub enum World {
    /// Somebody with the tenant and the roles of a persona is added to the directory.
    AddUser {
        /// Their name.
        name: String,
        /// The persona.
        like: String,
    },
    /// They are removed.
    RemoveUser(String),
    /// A user moves to a tenant, or out of every tenant.
    Move {
        /// Who.
        persona: String,
        /// Where to.
        tenant: Option<String>,
    },
    /// The policies forbid one operation to one persona.
    Forbid {
        /// The persona.
        persona: String,
        /// The operation, which is the action of the policies.
        operation: String,
    },
    /// The policies are those of the files again.
    PoliciesBack,
    /// Context values that win over those of callers.
    Circumstances(Map<String, Value>),
    /// The circumstances are as they were.
    CircumstancesBack,
    /// Part of the world fails from now on.
    Break(Part, Failure, Struck),
    /// It works again; the answer says how often the failure was met.
    Mend(Part, Struck),
    /// The provider signs with a new key; the ones before stay published.
    NewKey,
    /// The oldest of the new keys is published no more, and nothing that it signed is good.
    RetireKey,
    /// All new keys are retired: the provider signs as before.
    KeysBack,
    /// A refresh token of a persona, which is good.
    RefreshToken(String),
    /// It is used: the access token is the fresh one of the group (RFC 6749 §6).
    Refresh(String),
    /// The one that was used before is used again (RFC 9700 §4.14.2): it must be refused.
    ReuseRefreshToken(String),
    /// The IAM is asked with properties of a caller that the directory contradicts; it must refuse and log that.
    Contradict {
        /// The caller.
        persona: String,
        /// What they ask for.
        operation: String,
        /// The properties.
        claims: Map<String, Value>,
    },
}

/// What can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Whoever knows tokens.
    Provider,
    /// Whoever decides.
    Iam,
}

/// Whose requests a failure strikes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Struck {
    /// Everybody's.
    All,
    /// Those about one subject: nobody else notices.
    Subject(String),
}

/// How it can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The connection breaks before there is an answer.
    Down,
    /// The answer takes five seconds.
    Slow,
    /// Status 500.
    Error,
    /// 200 with a body that breaks off.
    Malformed,
}

/// A signed statement about somebody's session.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// A security event token that says `session-revoked` (CAEP 1.0 §3.1), perhaps with a fault.
    Event {
        /// Whom it is about.
        persona: String,
        /// For whom it is.
        audience: String,
        /// What is wrong with it, as the IAM calls it.
        fault: Option<&'static str>,
    },
    /// A logout token (OpenID Connect Back-Channel Logout 1.0 §2.4), perhaps a wrong one.
    Logout {
        /// Whom it is about.
        persona: String,
        /// The token.
        mint: Mint,
    },
    /// The last good one once more.
    EventAgain,
    /// The last good one once more.
    LogoutAgain,
}

impl fmt::Display for Struck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Struck::All => Ok(()),
            Struck::Subject(subject) => write!(f, " for {subject}"),
        }
    }
}

impl Part {
    /// As reports call it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Part::Provider => "provider",
            Part::Iam => "iam",
        }
    }
}

impl Failure {
    /// All, slow last: it takes the longest.
    pub const ALL: [Failure; 4] = [Failure::Down, Failure::Error, Failure::Malformed, Failure::Slow];

    /// As reports call it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Failure::Down => "down",
            Failure::Slow => "slow",
            Failure::Error => "error",
            Failure::Malformed => "malformed",
        }
    }
}

impl Statement {
    /// Whether it is a security event token; else it is a logout token.
    #[must_use]
    pub fn is_event(&self) -> bool {
        matches!(self, Statement::Event { .. } | Statement::EventAgain)
    }

    /// How a shell would send it.
    pub(super) fn curl_arguments(&self) -> &'static str {
        if self.is_event() {
            "-H 'Content-Type: application/secevent+jwt' -d \"$SECURITY_EVENT\""
        } else {
            "-d \"logout_token=$LOGOUT_TOKEN\""
        }
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Statement::Event { persona, fault: None, .. } => {
                write!(f, "a security event: session of {persona} revoked")
            }
            Statement::Event { persona, fault: Some(fault), .. } => {
                write!(f, "a security event about {persona} ({fault})")
            }
            Statement::Logout { persona, mint } if mint.name.is_empty() => write!(f, "a logout token of {persona}"),
            Statement::Logout { persona, mint } => write!(f, "a logout token of {persona} ({})", mint.name),
            Statement::EventAgain => f.write_str("the same security event again"),
            Statement::LogoutAgain => f.write_str("the same logout token again"),
        }
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            World::AddUser { name, like } => write!(f, "add {name} to the directory, like {like}"),
            World::RemoveUser(name) => write!(f, "remove {name} from the directory"),
            World::Move { persona, tenant } => {
                write!(f, "move {persona} to the tenant {}", tenant.as_deref().unwrap_or("(none)"))
            }
            World::Forbid { persona, operation } => write!(f, "edit the policies: {persona} may not {operation}"),
            World::PoliciesBack => f.write_str("the policies of the files again"),
            World::Circumstances(values) => write!(f, "circumstances: {}", Value::Object(values.clone())),
            World::CircumstancesBack => f.write_str("the circumstances as they were"),
            World::Break(part, failure, struck) => {
                write!(f, "the {} fails{struck}: {}", part.as_str(), failure.as_str())
            }
            World::Mend(part, struck) => write!(f, "the {} works again{struck}", part.as_str()),
            World::NewKey => f.write_str("the provider signs with a new key"),
            World::RetireKey => f.write_str("the provider retires the key before"),
            World::KeysBack => f.write_str("the provider signs as before"),
            World::RefreshToken(persona) => write!(f, "a refresh token of {persona}"),
            World::Refresh(persona) => write!(f, "refresh the token of {persona}"),
            World::ReuseRefreshToken(persona) => write!(f, "use the refresh token of {persona} a second time"),
            World::Contradict { persona, operation, claims } => {
                let claims = Value::Object(claims.clone());
                write!(f, "ask the IAM whether {persona} may {operation}, with {claims}")
            }
        }
    }
}
