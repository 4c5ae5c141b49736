//! What each resource is made of (RFC 7643 §2, §7), as data: input, PATCH, projection, sorting and the discovery
//! documents all read it, so that what is announced is what is done. Must not know values.

mod common;
mod discovery;
mod enterprise;
mod group;
mod tenant;
mod user;

pub(crate) use common::COMMON;
pub(crate) use discovery::OF_DISCOVERY;

use super::{ENTERPRISE, EXTENSION, GROUP, USER, after_urn};

/// A kind of resource with an endpoint of its own (RFC 7643 §6).
#[derive(Debug)]
pub(crate) struct ResourceType {
    pub(crate) name: &'static str,
    /// Path below the base of the service, with its slash.
    pub(crate) endpoint: &'static str,
    pub(crate) schema: &'static Schema,
    pub(crate) extensions: &'static [&'static Schema],
}

/// Attributes under a URN (RFC 7643 §7).
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) attributes: &'static [Attribute],
}

/// An attribute with its characteristics (RFC 7643 §2.2).
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) kind: Kind,
    pub(crate) mutability: Mutability,
    pub(crate) multi_valued: bool,
    pub(crate) required: bool,
    pub(crate) case_exact: bool,
    pub(crate) unique: bool,
    /// Returned whatever the projection says.
    pub(crate) always: bool,
    pub(crate) canonical: &'static [&'static str],
    pub(crate) references: &'static [&'static str],
}

/// Data types (RFC 7643 §2.3).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    String,
    Boolean,
    Integer,
    DateTime,
    Binary,
    Reference,
    Complex(&'static [Attribute]),
    /// An object of whatever names and values: our free attributes, whose names have letter case, as in policies.
    Free,
}

/// Who may set an attribute (RFC 7643 §7, `mutability`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutability {
    ReadWrite,
    ReadOnly,
    /// Set once.
    Immutable,
}

/// All that there are.
pub(crate) static RESOURCE_TYPES: [&ResourceType; 2] = [&USERS, &GROUPS];

/// RFC 7643 §4.1, §4.3, and our extension.
pub(crate) static USERS: ResourceType = ResourceType {
    name: "User",
    endpoint: "/Users",
    schema: &Schema { id: USER, name: "User", description: "User account", attributes: &user::ATTRIBUTES },
    extensions: &[
        &Schema {
            id: ENTERPRISE,
            name: "Enterprise User",
            description: "User of an enterprise",
            attributes: &enterprise::ATTRIBUTES,
        },
        &Schema {
            id: EXTENSION,
            name: "User in a tenant",
            description: "Tenant and free attributes of a user, which policies see",
            attributes: &tenant::ATTRIBUTES,
        },
    ],
};

/// RFC 7643 §4.2.
pub(crate) static GROUPS: ResourceType = ResourceType {
    name: "Group",
    endpoint: "/Groups",
    schema: &Schema {
        id: GROUP,
        name: "Group",
        description: "Group: a role and who has it",
        attributes: &group::ATTRIBUTES,
    },
    extensions: &[],
};

impl ResourceType {
    /// The extension of this URN, or of the URN that this name begins with, and the rest of the name.
    pub(crate) fn extension<'a>(&self, name: &'a str) -> Option<(&'static Schema, &'a str)> {
        self.extensions.iter().find_map(|schema| match name.eq_ignore_ascii_case(schema.id) {
            true => Some((*schema, "")),
            false => after_urn(name, schema.id).map(|rest| (*schema, rest)),
        })
    }

    /// An attribute of the core schema, or one that every resource has.
    pub(crate) fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        find(self.schema.attributes, name).or_else(|| find(&COMMON, name))
    }
}

/// The attribute of this name, whatever its letter case (RFC 7643 §2.1).
pub(crate) fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

impl Attribute {
    const fn new(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self {
            name,
            description,
            kind,
            mutability: Mutability::ReadWrite,
            multi_valued: false,
            required: false,
            case_exact: false,
            unique: false,
            always: false,
            canonical: &[],
            references: &[],
        }
    }

    const fn text(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Kind::String, description)
    }

    /// An identifier or link: letter case counts.
    const fn exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    const fn multi_valued(mut self) -> Self {
        self.multi_valued = true;
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    const fn always(mut self) -> Self {
        self.always = true;
        self
    }

    const fn read_only(mut self) -> Self {
        self.mutability = Mutability::ReadOnly;
        self
    }

    const fn immutable(mut self) -> Self {
        self.mutability = Mutability::Immutable;
        self
    }

    const fn canonical(mut self, values: &'static [&'static str]) -> Self {
        self.canonical = values;
        self
    }

    const fn refers_to(mut self, kinds: &'static [&'static str]) -> Self {
        self.references = kinds;
        self.case_exact = true;
        self
    }

    /// Attributes within this one; none unless it is complex.
    pub(crate) fn sub_attributes(&self) -> &'static [Attribute] {
        match self.kind {
            Kind::Complex(attributes) => attributes,
            Kind::String
            | Kind::Boolean
            | Kind::Integer
            | Kind::DateTime
            | Kind::Binary
            | Kind::Reference
            | Kind::Free => &[],
        }
    }
}
