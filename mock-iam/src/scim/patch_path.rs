//! Paths of PATCH operations (RFC 7644 §3.5.2, figure 7). Must not know values.

use super::filter::Filter;
use super::{EXTENSION, ScimError, ScimType, USER, after_urn};

/// What a path names.
#[derive(Debug)]
pub(super) enum Target {
    UserName,
    DisplayName,
    Active,
    /// All roles, or those that a filter matches.
    Roles {
        only: Option<Filter>,
    },
    /// The whole extension.
    Extension,
    Tenant,
    Attributes,
    /// One free attribute; its name has letter case, as in policies.
    Attribute(String),
}

impl Target {
    /// Reads a path.
    ///
    /// # Errors
    /// `invalidPath` for what we do not keep, `mutability` for what is read-only, `invalidFilter` for a wrong filter.
    pub(super) fn parse(path: &str) -> Result<Self, ScimError> {
        if path.eq_ignore_ascii_case(EXTENSION) {
            return Ok(Self::Extension);
        }
        if let Some(name) = after_urn(path, EXTENSION) {
            return Self::of_extension(name).ok_or_else(|| unknown(path));
        }
        let path = after_urn(path, USER).unwrap_or(path);
        let (name, filter) = match path.split_once('[') {
            Some((name, rest)) => (name, Some(rest)),
            None => (path, None),
        };
        match (name.to_ascii_lowercase().as_str(), filter) {
            ("roles", Some(filter)) => Self::some_roles(filter),
            ("roles", None) => Ok(Self::Roles { only: None }),
            ("username", None) => Ok(Self::UserName),
            ("displayname", None) => Ok(Self::DisplayName),
            ("active", None) => Ok(Self::Active),
            ("id" | "meta" | "groups", _) => {
                Err(ScimError::new(ScimType::Mutability, format!("`{name}` is read-only")))
            }
            _ => Err(unknown(path)),
        }
    }

    fn of_extension(name: &str) -> Option<Self> {
        match name.split_once('.') {
            None if name.eq_ignore_ascii_case("tenant") => Some(Self::Tenant),
            None if name.eq_ignore_ascii_case("attributes") => Some(Self::Attributes),
            Some((parent, attribute))
                if parent.eq_ignore_ascii_case("attributes") && !attribute.contains(['.', '[']) =>
            {
                Some(Self::Attribute(attribute.to_owned()))
            }
            _ => None,
        }
    }

    /// `value eq "support"]`, perhaps followed by `.value`.
    fn some_roles(rest: &str) -> Result<Self, ScimError> {
        let (filter, sub_attribute) = rest.rsplit_once(']').ok_or_else(|| unknown(rest))?;
        if !sub_attribute.is_empty() && !sub_attribute.eq_ignore_ascii_case(".value") {
            return Err(unknown(sub_attribute));
        }
        Ok(Self::Roles { only: Some(Filter::parse(filter)?) })
    }
}

fn unknown(path: &str) -> ScimError {
    ScimError::new(ScimType::InvalidPath, format!("`{path}` names nothing that is kept here"))
}
