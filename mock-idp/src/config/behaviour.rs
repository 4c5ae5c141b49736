//! How the provider treats people and clients. Must not know how that is done.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How much is forgiven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing.
    #[default]
    Strict,
    /// What people get wrong in their first hour; each time is a recorded finding.
    Permissive,
}

/// A flow that OAuth 2.1 has no more; for showing why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegacyFlow {
    /// Tokens in the redirect, no code (RFC 6749 §4.2, OpenID Connect Core §3.2).
    Implicit,
    /// Tokens in the redirect beside a code (OpenID Connect Core §3.3).
    Hybrid,
    /// The person's password given to the client (RFC 6749 §4.3).
    Password,
}

/// What a person is asked for at a login.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Login {
    /// Asks for a second factor at every login; without it, only when a client asks by `acr_values`.
    pub second_factor: bool,
}

/// Where a claim about a person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimTarget {
    /// To the client, about the login (OpenID Connect Core §2).
    IdToken,
    /// To the API (RFC 9068 §2.2.2).
    AccessToken,
    /// To the client, on request (OpenID Connect Core §5.3).
    Userinfo,
    /// To the API, on request (RFC 7662 §2.2).
    Introspection,
    /// In ID token or `UserInfo`, if the client asks for it there by `claims` (OpenID Connect Core §5.5).
    OnRequest,
}

/// HTTPS with a certificate of a local authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Where the authority's certificate `ca.pem` and its key are kept; made there when they are missing.
    pub directory: PathBuf,
}
