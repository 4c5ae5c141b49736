//! Attributes of every resource (RFC 7643 §3.1). Must not know values.

use super::{Attribute, Kind};

/// `schemas`, `id`, `externalId`, `meta`; no schema announces them, because all have them.
pub(crate) static COMMON: [Attribute; 4] = [
    Attribute::new("schemas", Kind::Reference, "URNs of the schemas").exact().multi_valued().read_only().always(),
    Attribute::text("id", "Identifier").exact().read_only().always(),
    Attribute::text("externalId", "Identifier that the client knows it by").exact(),
    Attribute::new("meta", Kind::Complex(&META), "About the resource itself").read_only(),
];

static META: [Attribute; 5] = [
    Attribute::text("resourceType", "Name of the resource type").exact().read_only(),
    Attribute::new("created", Kind::DateTime, "When it was made").read_only(),
    Attribute::new("lastModified", Kind::DateTime, "When it was last changed").read_only(),
    Attribute::new("location", Kind::Reference, "Its URL").exact().read_only(),
    Attribute::text("version", "Its entity tag").exact().read_only(),
];
