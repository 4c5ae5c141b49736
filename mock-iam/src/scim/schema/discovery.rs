//! The schemas of the discovery documents (RFC 7643 §8.7.2): all of it is to be read only. Must not know values.

use super::{Attribute, Kind, Schema};

pub(crate) static OF_DISCOVERY: [&Schema; 3] = [
    &Schema {
        id: "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig",
        name: "Service Provider Configuration",
        description: "What the service can do",
        attributes: &SERVICE_PROVIDER_CONFIG,
    },
    &Schema {
        id: "urn:ietf:params:scim:schemas:core:2.0:ResourceType",
        name: "ResourceType",
        description: "A kind of resource",
        attributes: &RESOURCE_TYPE,
    },
    &Schema {
        id: "urn:ietf:params:scim:schemas:core:2.0:Schema",
        name: "Schema",
        description: "Attributes under a URN",
        attributes: &SCHEMA,
    },
];

const fn text(name: &'static str, description: &'static str) -> Attribute {
    Attribute::text(name, description).read_only()
}

const fn flag(name: &'static str, description: &'static str) -> Attribute {
    Attribute::new(name, Kind::Boolean, description).read_only().required()
}

const fn number(name: &'static str, description: &'static str) -> Attribute {
    Attribute::new(name, Kind::Integer, description).read_only().required()
}

const fn part(name: &'static str, parts: &'static [Attribute], description: &'static str) -> Attribute {
    Attribute::new(name, Kind::Complex(parts), description).read_only().required()
}

const fn link(name: &'static str, kinds: &'static [&'static str], description: &'static str) -> Attribute {
    Attribute::new(name, Kind::Reference, description).refers_to(kinds).read_only()
}

static SERVICE_PROVIDER_CONFIG: [Attribute; 8] = [
    link("documentationUri", &["external"], "Documentation for people"),
    part("patch", &SUPPORTED, "PATCH"),
    part("bulk", &BULK, "Bulk operations"),
    part("filter", &FILTER, "Filters"),
    part("changePassword", &SUPPORTED, "Changes of passwords"),
    part("sort", &SUPPORTED, "Sorting"),
    part("etag", &SUPPORTED, "Entity tags"),
    part("authenticationSchemes", &SCHEME, "How to authenticate").multi_valued(),
];

static SUPPORTED: [Attribute; 1] = [flag("supported", "Whether it works")];
static BULK: [Attribute; 3] = [
    flag("supported", "Whether it works"),
    number("maxOperations", "Most operations of a request"),
    number("maxPayloadSize", "Most bytes of a request"),
];
static FILTER: [Attribute; 2] =
    [flag("supported", "Whether it works"), number("maxResults", "Most resources of an answer")];
static SCHEME: [Attribute; 6] = [
    text("type", "Kind of the scheme").required().canonical(&[
        "oauth",
        "oauth2",
        "oauthbearertoken",
        "httpbasic",
        "httpdigest",
    ]),
    text("name", "Name of the scheme").required(),
    text("description", "What it is").required(),
    link("specUri", &["external"], "Specification of the scheme"),
    link("documentationUri", &["external"], "Documentation for people"),
    Attribute::new("primary", Kind::Boolean, "Whether it is the preferred one").read_only(),
];

static RESOURCE_TYPE: [Attribute; 6] = [
    text("id", "Identifier"),
    text("name", "Name").required(),
    text("description", "What it is"),
    link("endpoint", &["uri"], "Path below the base of the service").required(),
    link("schema", &["uri"], "URN of the schema").required(),
    part("schemaExtensions", &EXTENSION, "Extensions").multi_valued(),
];
static EXTENSION: [Attribute; 2] = [
    link("schema", &["uri"], "URN of the extension").required(),
    flag("required", "Whether each resource must have it"),
];

static SCHEMA: [Attribute; 4] = [
    text("id", "URN of the schema").required(),
    text("name", "Name").required(),
    text("description", "What it is"),
    part("attributes", &ATTRIBUTE, "Attributes").multi_valued(),
];
static ATTRIBUTE: [Attribute; 12] = [
    NAME,
    TYPE,
    MULTI_VALUED,
    DESCRIPTION,
    REQUIRED,
    CANONICAL_VALUES,
    CASE_EXACT,
    MUTABILITY,
    RETURNED,
    UNIQUENESS,
    REFERENCE_TYPES,
    Attribute::new("subAttributes", Kind::Complex(&CHARACTERISTICS), "Attributes within it").read_only().multi_valued(),
];
/// What an attribute has and an attribute within it has, too.
static CHARACTERISTICS: [Attribute; 11] = [
    NAME,
    TYPE,
    MULTI_VALUED,
    DESCRIPTION,
    REQUIRED,
    CANONICAL_VALUES,
    CASE_EXACT,
    MUTABILITY,
    RETURNED,
    UNIQUENESS,
    REFERENCE_TYPES,
];

const NAME: Attribute = text("name", "Name").required().exact();
const TYPE: Attribute = text("type", "Data type").required().canonical(&[
    "string",
    "complex",
    "boolean",
    "decimal",
    "integer",
    "dateTime",
    "reference",
    "binary",
]);
const MULTI_VALUED: Attribute = flag("multiValued", "Whether it has many values");
const DESCRIPTION: Attribute = text("description", "What it is");
const REQUIRED: Attribute = flag("required", "Whether it must be there");
const CANONICAL_VALUES: Attribute = text("canonicalValues", "Usual values").exact().multi_valued();
const CASE_EXACT: Attribute = Attribute::new("caseExact", Kind::Boolean, "Whether letter case counts").read_only();
const MUTABILITY: Attribute = text("mutability", "Who may set it").required().exact().canonical(&[
    "readOnly",
    "readWrite",
    "immutable",
    "writeOnly",
]);
const RETURNED: Attribute =
    text("returned", "When it is returned").required().exact().canonical(&["always", "never", "default", "request"]);
const UNIQUENESS: Attribute =
    text("uniqueness", "Among what it is unique").exact().canonical(&["none", "server", "global"]);
const REFERENCE_TYPES: Attribute = text("referenceTypes", "What it may refer to").exact().multi_valued();
