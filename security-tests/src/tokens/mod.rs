//! Tokens: how they are obtained, how they are forged, and the catalogue of forgeries. Must not know which operation
//! they are tried on.

pub(crate) mod acquire;
pub mod catalogue;
mod der;
pub mod forge;
pub(crate) mod forger;
mod host;
pub(crate) mod login;
pub mod words;

use serde_json::{Map, Value};

pub use catalogue::{Basis, Forgery, Good, Oddity, Place, Refusal, Respelling, SHAPES, Shape, by_name, catalogue};
pub use forge::{Materials, Signer, forge};

/// A token minted to order through the provider's control API.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mint {
    /// What is odd about it, for reports.
    pub name: &'static str,
    /// Its lifetime; negative makes it expired.
    pub lifetime_seconds: Option<i64>,
    /// Claims set over the usual ones; `null` removes.
    pub claims: Map<String, Value>,
    /// Header parameters set over the usual ones; `null` removes.
    pub header: Map<String, Value>,
    /// Signed with a key that is not published, under the `kid` that is.
    pub other_key: bool,
    /// The payload as text, for what JSON values cannot say: a member that occurs twice.
    pub payload: Option<String>,
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

impl Mint {
    /// One claim over the usual ones.
    #[must_use]
    pub fn claim(name: &str, value: Value) -> Self {
        Self::default().and(name, value)
    }

    /// One header parameter over the usual ones.
    #[must_use]
    pub fn header(name: &str, value: Value) -> Self {
        Self::default().with(name, value)
    }

    /// One more claim.
    #[must_use]
    pub fn and(mut self, name: &str, value: Value) -> Self {
        self.claims.insert(name.to_owned(), value);
        self
    }

    /// One more header parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.header.insert(name.to_owned(), value);
        self
    }
}
