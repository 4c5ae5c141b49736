//! Tokens: how they are obtained and how they are forged. Must not know which operation they are tried on.

pub(crate) mod acquire;
mod der;
pub(crate) mod login;
pub mod tamper;

use serde_json::{Map, Value};

pub use tamper::{CATALOGUE, Forgery, Materials, Signer, forge};

/// A token minted to order through the provider's control API.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mint {
    /// What is odd about it, for reports.
    pub name: &'static str,
    /// Its lifetime; negative makes it expired.
    pub lifetime_seconds: Option<i64>,
    /// Claims set over the usual ones.
    pub claims: Map<String, Value>,
    /// Signed with a key that is not published, under the `kid` that is.
    pub other_key: bool,
    /// What becomes of claims that are there already; needs the key of an API with a login of its own.
    pub change: Option<Change>,
}

/// A change of claims whose names and values only the token tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The token says that it is one for refreshing.
    Kind,
    /// The token is of somebody whom nobody knows.
    Subject,
}
