//! Our extension of users: what policies see besides roles. Must not know values.

use super::{Attribute, Kind};

pub(super) static ATTRIBUTES: [Attribute; 2] = [
    Attribute::text("tenant", "The tenant that the user belongs to").exact(),
    Attribute::new("attributes", Kind::Free, "Free attributes of whatever names, as policies see them").exact(),
];
