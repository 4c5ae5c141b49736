//! The AWS query protocol's parameters, checked. Must not know tokens or trust.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::{ACCOUNT, StsError};

/// The one action.
const ACTION: &str = "AssumeRoleWithWebIdentity";

/// A wish to assume a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AssumeRole {
    /// Name of the role, without path.
    pub(crate) role: String,
    pub(crate) session_name: String,
    pub(crate) token: String,
    /// In seconds.
    pub(crate) duration: u64,
}

impl AssumeRole {
    /// Reads the parameters of a query or a form.
    pub(crate) fn read(parameters: &BTreeMap<String, String>) -> Result<Self, StsError> {
        let get = |name: &str| parameters.get(name).map(String::as_str).filter(|value| !value.is_empty());
        match get("Action") {
            Some(ACTION) => {}
            other => return Err(StsError::Action(other.unwrap_or_default().to_owned())),
        }
        let required = |name: &str| get(name).ok_or_else(|| invalid(name, "must not be null"));
        let arn = required("RoleArn")?;
        let role = arn.strip_prefix(&format!("arn:aws:iam::{ACCOUNT}:role/")).filter(|name| !name.is_empty());
        let role = match role {
            Some(role) => role.rsplit('/').next().unwrap_or(role),
            // A role of another account: well formed and nobody's.
            None if arn.starts_with("arn:aws:iam::") && arn.contains(":role/") => "",
            None => return Err(StsError::Validation(format!("{arn} is invalid"))),
        };
        let session_name = required("RoleSessionName")?;
        let fit = |character: char| character.is_ascii_alphanumeric() || "_+=,.@-".contains(character);
        if !(2..=64).contains(&session_name.len()) || !session_name.chars().all(fit) {
            return Err(invalid("RoleSessionName", "must satisfy regular expression pattern: [\\w+=,.@-]{2,64}"));
        }
        let duration = match get("DurationSeconds").map(str::parse::<u64>) {
            None => 3600,
            Some(Ok(seconds @ 900..=43_200)) => seconds,
            Some(_) => return Err(invalid("DurationSeconds", "must be between 900 and 43200")),
        };
        Ok(Self {
            role: role.to_owned(),
            session_name: session_name.to_owned(),
            token: required("WebIdentityToken")?.to_owned(),
            duration,
        })
    }
}

fn invalid(name: &str, problem: &str) -> StsError {
    StsError::Validation(format!(
        "1 validation error detected: value at '{name}' failed to satisfy constraint: {problem}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(changes: &[(&str, &str)]) -> Result<AssumeRole, StsError> {
        let mut parameters: BTreeMap<String, String> = [
            ("Action", ACTION),
            ("Version", "2011-06-15"),
            ("RoleArn", "arn:aws:iam::000000000000:role/ci/deploy"),
            ("RoleSessionName", "build-7"),
            ("WebIdentityToken", "a.b.c"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        parameters.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        AssumeRole::read(&parameters)
    }

    #[test]
    fn a_role_is_named_by_the_end_of_its_path_and_lives_an_hour_unless_asked_otherwise() {
        let wish = read(&[]).unwrap();
        assert_eq!((wish.role.as_str(), wish.duration), ("deploy", 3600));
        assert_eq!(read(&[("DurationSeconds", "900")]).unwrap().duration, 900);
        assert_eq!(read(&[("RoleArn", "arn:aws:iam::123456789012:role/deploy")]).unwrap().role, "");
    }

    #[test]
    fn what_is_missing_or_ill_formed_is_a_validation_error() {
        for (name, value) in [
            ("RoleArn", ""),
            ("RoleArn", "deploy"),
            ("RoleSessionName", "a b"),
            ("RoleSessionName", "a"),
            ("WebIdentityToken", ""),
            ("DurationSeconds", "899"),
            ("DurationSeconds", "soon"),
        ] {
            assert_eq!(read(&[(name, value)]).unwrap_err().code(), "ValidationError", "{name}={value}");
        }
        assert_eq!(read(&[("Action", "GetCallerIdentity")]).unwrap_err().code(), "InvalidAction");
    }
}
