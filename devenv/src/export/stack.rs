//! What an exported Compose file says about its own tests: where the API answers, and which files hold the tokens of the
//! control endpoints. An extension (`x-…`), so that Compose passes over it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::{Value, json};
use thiserror::Error;

use super::Destination;
use crate::plan::Plan;

/// The extension's key.
pub(super) const KEY: &str = "x-devenv";
const VERSION: u64 = 1;

/// Something for each control endpoint that there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Control<T> {
    /// Of the provider.
    pub idp: Option<T>,
    /// Of the IAM.
    pub iam: Option<T>,
}

/// A stack that plain Compose started from an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedStack {
    /// Where the service under test answers.
    pub url: String,
    /// Files with tokens, relative to the Compose file.
    pub control: Control<String>,
}

/// A file that says nothing about its tests.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StackError {
    /// It is no YAML.
    #[error("it cannot be read: {0}")]
    Text(String),
    /// It has no such section.
    #[error("it has no `x-devenv`")]
    Foreign,
    /// The section is one of another version.
    #[error("its `x-devenv` is of another version")]
    Version,
    /// No service with a port could be the one under test.
    #[error("it names no API to test")]
    NoUrl,
}

impl ExportedStack {
    /// Reads the section of a Compose file.
    ///
    /// # Errors
    /// It is not an export of this version.
    pub fn read(text: &str) -> Result<Self, StackError> {
        let document: Value = serde_saphyr::from_str(text).map_err(|error| StackError::Text(error.to_string()))?;
        let section = document.get(KEY).ok_or(StackError::Foreign)?;
        if section.get("version").and_then(Value::as_u64) != Some(VERSION) {
            return Err(StackError::Version);
        }
        let text = |path: &str| section.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let control = Control { idp: text("/control/idp"), iam: text("/control/iam") };
        Ok(Self { url: text("/url").ok_or(StackError::NoUrl)?, control })
    }
}

pub(super) fn extension(plan: &Plan, to: &Destination<'_>, control: &Control<String>) -> Value {
    json!({
        "version": VERSION,
        "project": plan.project.name,
        "url": to.url,
        "control": { "idp": control.idp, "iam": control.iam },
    })
}
