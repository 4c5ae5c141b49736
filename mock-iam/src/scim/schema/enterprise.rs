//! The enterprise extension of users (RFC 7643 §4.3). Must not know values.

use super::{Attribute, Kind};

pub(super) static ATTRIBUTES: [Attribute; 6] = [
    Attribute::text("employeeNumber", "Number of the employee"),
    Attribute::text("costCenter", "Name of the cost center"),
    Attribute::text("organization", "Name of the organization"),
    Attribute::text("division", "Name of the division"),
    Attribute::text("department", "Name of the department"),
    Attribute::new("manager", Kind::Complex(&MANAGER), "The user's manager"),
];

static MANAGER: [Attribute; 3] = [
    Attribute::text("value", "Identifier of the manager").exact(),
    Attribute::new("$ref", Kind::Reference, "URL of the manager").refers_to(&["User"]),
    Attribute::text("displayName", "Name of the manager").read_only(),
];
