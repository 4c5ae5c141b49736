//! How an API with a login of its own is entered: what to send, where the token is, how it is sent back. Plain values;
//! must not know the file they came from, nor how requests are sent.

use serde_json::Value;

use crate::secret::Secret;

/// An API's own login.
#[derive(Clone, Debug, PartialEq)]
pub struct Login {
    /// How an account is made; without it every persona needs an account of its own.
    pub register: Option<Call>,
    /// How a token is obtained. `${persona.username}`, `${persona.email}` and `${persona.password}` are filled in.
    pub request: Call,
    /// Where the token is in the answer.
    pub token: TokenPlace,
    /// How the token is sent.
    pub carrier: Carrier,
    /// The operation that tells a token's owner who they are.
    pub me: Option<String>,
    /// How an account changes its own password to `${new.password}`.
    pub password: Option<Call>,
    /// How an account changes its own name to `${new.username}`.
    pub rename: Option<Call>,
    /// How an account is deleted.
    pub delete: Option<Call>,
    /// How a token is given up.
    pub logout: Option<Call>,
    /// The key that signs tokens, when the team gives it: then valid tokens with wrong contents can be made.
    pub key: Option<SigningKey>,
}

/// One request of a login.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Call {
    /// `operationId`.
    pub operation: String,
    /// Fields of the body.
    pub json: Option<Value>,
    /// They are sent as a form, whatever the document says.
    pub form: bool,
    /// Who does it, when it is not the account itself.
    pub by: Option<String>,
}

/// Where a token is in the answer to a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenPlace {
    /// In the body, as `$.a.b`.
    Body(String),
    /// In a cookie of this name.
    Cookie(String),
    /// In a header of this name.
    Header(String),
}

/// How a token is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// `Authorization: SCHEME TOKEN` (RFC 9110 §11.6.2).
    Scheme(String),
    /// `NAME: TOKEN`.
    Header(String),
    /// `Cookie: NAME=TOKEN`.
    Cookie(String),
}

/// The key that signs an API's tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct SigningKey {
    /// JWS algorithm (RFC 7518 §3.2).
    pub algorithm: Hmac,
    /// The shared key.
    pub secret: Secret,
}

/// HMAC algorithms of JWS (RFC 7518 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hmac {
    /// With SHA-256.
    Hs256,
    /// With SHA-384.
    Hs384,
    /// With SHA-512.
    Hs512,
}

impl Hmac {
    /// The algorithm of an `alg` header.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Hs256, Self::Hs384, Self::Hs512].into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    /// As the `alg` header spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }
}

impl Default for Carrier {
    /// RFC 6750 §2.1.
    fn default() -> Self {
        Self::Scheme("Bearer".to_owned())
    }
}

impl Carrier {
    /// The header that carries a token.
    #[must_use]
    pub fn header(&self, token: &str) -> (String, String) {
        match self {
            Carrier::Scheme(scheme) => ("Authorization".to_owned(), format!("{scheme} {token}")),
            Carrier::Header(name) => (name.clone(), token.to_owned()),
            Carrier::Cookie(name) => ("Cookie".to_owned(), format!("{name}={token}")),
        }
    }
}

impl Login {
    /// The operations that change an account in a way that its owner would notice: never tried on the account of a
    /// persona, only on accounts made for it.
    #[must_use]
    pub fn changes_account(&self, operation: &str) -> bool {
        let changes = [&self.password, &self.rename, &self.delete, &self.logout];
        changes.into_iter().flatten().any(|call| call.operation == operation)
    }

    /// Whether an operation sets a password.
    #[must_use]
    pub fn sets_password(&self, operation: &str) -> bool {
        self.password.as_ref().is_some_and(|call| call.operation == operation)
    }

    /// Whether an operation changes a name.
    #[must_use]
    pub fn renames(&self, operation: &str) -> bool {
        self.rename.as_ref().is_some_and(|call| call.operation == operation)
    }

    /// Whether an operation gives up the token that it is called with.
    #[must_use]
    pub fn ends_session(&self, operation: &str) -> bool {
        self.logout.as_ref().is_some_and(|call| call.operation == operation)
    }

    /// All that it names.
    pub fn calls(&self) -> impl Iterator<Item = (&'static str, &Call)> {
        let optional = [
            ("register", &self.register),
            ("password", &self.password),
            ("rename", &self.rename),
            ("delete", &self.delete),
            ("logout", &self.logout),
        ];
        let optional = optional.into_iter().filter_map(|(name, call)| Some((name, call.as_ref()?)));
        std::iter::once(("request", &self.request)).chain(optional)
    }
}
