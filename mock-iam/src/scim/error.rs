//! SCIM's error answer (RFC 7644 §3.12). Must not know HTTP types.

use serde_json::{Value, json};

/// Why a request failed, in the words of SCIM.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct ScimError {
    /// HTTP status.
    pub(crate) status: u16,
    pub(crate) kind: Option<ScimType>,
    /// For people.
    pub(crate) detail: String,
}

/// The detail keywords of RFC 7644 §3.12, table 9, that can occur here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScimType {
    InvalidFilter,
    Uniqueness,
    Mutability,
    InvalidSyntax,
    InvalidPath,
    NoTarget,
    InvalidValue,
}

impl ScimError {
    /// A 400 of a kind; `uniqueness` is 409 (RFC 7644 §3.3).
    pub(crate) fn new(kind: ScimType, detail: impl Into<String>) -> Self {
        let status = if kind == ScimType::Uniqueness { 409 } else { 400 };
        Self { status, kind: Some(kind), detail: detail.into() }
    }

    /// An error that its status says it all of.
    pub(crate) fn status(status: u16, detail: impl Into<String>) -> Self {
        Self { status, kind: None, detail: detail.into() }
    }

    pub(crate) fn not_found(kind: &str, id: &str) -> Self {
        Self::status(404, format!("{kind} `{id}` is not in the directory"))
    }

    /// The body; the status is a string there.
    pub(crate) fn to_json(&self) -> Value {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let (Some(kind), Some(object)) = (self.kind, body.as_object_mut()) {
            object.insert("scimType".to_owned(), kind.keyword().into());
        }
        body
    }
}

impl ScimType {
    pub(crate) fn keyword(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
        }
    }
}
