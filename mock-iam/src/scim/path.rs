//! Names of attributes in PATCH operations, projections and sort orders (RFC 7644 §3.5.2, figure 7; §3.10).
//!
//! Must not know values.

use super::filter::Filter;
use super::schema::{Attribute, Kind, Mutability, ResourceType, Schema, find};
use super::{ScimError, ScimType, after_urn};

/// What a path names.
#[derive(Debug)]
pub(crate) enum Target {
    /// A whole extension.
    Extension(&'static Schema),
    /// An attribute, or some values of it, or a part of these.
    Attribute(Place),
}

/// An attribute, perhaps narrowed down.
#[derive(Debug)]
pub(crate) struct Place {
    /// The extension that it belongs to; none for the core schema.
    pub(crate) extension: Option<&'static Schema>,
    pub(crate) attribute: &'static Attribute,
    /// Which values of a multi-valued attribute.
    pub(crate) filter: Option<Filter>,
    pub(crate) sub: Option<Sub>,
}

/// An attribute within a complex one.
#[derive(Debug)]
pub(crate) enum Sub {
    Known(&'static Attribute),
    /// A free attribute; its name has letter case.
    Free(String),
}

impl Sub {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Known(attribute) => attribute.name,
            Self::Free(name) => name,
        }
    }
}

impl Target {
    /// Reads a path.
    ///
    /// # Errors
    /// `invalidPath` for what is not kept here, `invalidFilter` for a wrong filter.
    pub(crate) fn parse(kind: &ResourceType, path: &str) -> Result<Self, ScimError> {
        let (extension, rest) = match kind.extension(path) {
            Some((schema, "")) => return Ok(Self::Extension(schema)),
            Some((schema, rest)) => (Some(schema), rest),
            None => (None, after_urn(path, kind.schema.id).unwrap_or(path)),
        };
        let place = place(kind, extension, rest)?;
        place.map(Self::Attribute).ok_or_else(|| unknown(path))
    }
}

impl Place {
    /// Refuses a change of what clients may not change (RFC 7644 §3.5.2).
    pub(crate) fn check_writable(&self) -> Result<(), ScimError> {
        let read_only = |attribute: &Attribute| attribute.mutability == Mutability::ReadOnly;
        let sub = match &self.sub {
            Some(Sub::Known(sub)) => read_only(sub),
            Some(Sub::Free(_)) | None => false,
        };
        if sub || read_only(self.attribute) {
            return Err(ScimError::new(ScimType::Mutability, format!("`{}` is read-only", self.attribute.name)));
        }
        Ok(())
    }
}

/// `name`, `name.sub`, `name[filter]` or `name[filter].sub`; nothing when there is no such attribute.
fn place(kind: &ResourceType, extension: Option<&'static Schema>, text: &str) -> Result<Option<Place>, ScimError> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let attribute = match extension {
        Some(schema) => find(schema.attributes, name),
        None => kind.attribute(name),
    };
    let Some(attribute) = attribute else { return Ok(None) };
    let (filter, rest) = match rest.strip_prefix('[') {
        // The last bracket closes: a string of the filter may hold others.
        Some(inner) => match inner.rsplit_once(']') {
            Some((filter, rest)) if attribute.multi_valued => (Some(Filter::parse(filter)?), rest),
            _ => return Ok(None),
        },
        None => (None, rest),
    };
    let sub = match (rest.strip_prefix('.'), attribute.kind) {
        (None, _) if rest.is_empty() => None,
        (Some(name), Kind::Free) if !name.is_empty() && !name.contains(['.', '[']) => Some(Sub::Free(name.to_owned())),
        (Some(name), Kind::Complex(attributes)) => match find(attributes, name) {
            Some(attribute) => Some(Sub::Known(attribute)),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(Some(Place { extension, attribute, filter, sub }))
}

fn unknown(path: &str) -> ScimError {
    ScimError::new(ScimType::InvalidPath, format!("`{path}` names nothing that is kept here"))
}
