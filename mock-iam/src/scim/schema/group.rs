//! The attributes of a group (RFC 7643 §4.2). Must not know values.

use super::{Attribute, Kind};

pub(super) static ATTRIBUTES: [Attribute; 2] = [
    Attribute::text("displayName", "Unique name: the id and the name of the role as well")
        .required()
        .immutable()
        .unique()
        .exact(),
    Attribute::new("members", Kind::Complex(&MEMBER), "Who has the role").multi_valued(),
];

static MEMBER: [Attribute; 4] = [
    Attribute::text("value", "Identifier of the member").exact().required().immutable(),
    Attribute::new("$ref", Kind::Reference, "URL of the member").refers_to(&["User"]).immutable(),
    Attribute::text("display", "Name for people").read_only(),
    Attribute::text("type", "What the member is").canonical(&["User"]).immutable(),
];
