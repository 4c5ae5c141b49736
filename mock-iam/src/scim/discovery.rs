//! What this SCIM service can do (RFC 7643 §5 to §7): the truth, so that clients need not guess. Must not know users.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::list::LONGEST_PAGE;
use super::schema::{Attribute, Kind, Mutability, RESOURCE_TYPES, Schema};

/// RFC 7643 §5.
pub(crate) fn service_provider_config(base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": LONGEST_PAGE },
        "changePassword": { "supported": false },
        "sort": { "supported": true },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "The token of a caller in the configuration (RFC 6750)",
            "primary": true,
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig") },
    })
}

/// RFC 7643 §6.
pub(crate) fn resource_types(base: &str) -> Vec<Value> {
    let one = |kind: &&super::schema::ResourceType| {
        let name = kind.name;
        let extensions = kind.extensions.iter().map(|schema| json!({ "schema": schema.id, "required": false }));
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": name,
            "name": name,
            "description": kind.schema.description,
            "endpoint": kind.endpoint,
            "schema": kind.schema.id,
            "schemaExtensions": extensions.collect::<Vec<_>>(),
            "meta": { "resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{name}") },
        })
    };
    RESOURCE_TYPES.iter().map(one).collect()
}

/// RFC 7643 §7: the schemas of the resources, then those of the discovery documents themselves.
///
/// `free` holds a value of each free attribute that somebody has: strict clients refuse values that no schema tells.
pub(crate) fn schemas(base: &str, free: &BTreeMap<&str, &Value>) -> Vec<Value> {
    let of_resources =
        RESOURCE_TYPES.iter().flat_map(|kind| std::iter::once(kind.schema).chain(kind.extensions.iter().copied()));
    let all = of_resources.chain(super::schema::OF_DISCOVERY.iter().copied());
    all.map(|schema| schema_to_json(base, schema, free)).collect()
}

fn schema_to_json(base: &str, schema: &Schema, free: &BTreeMap<&str, &Value>) -> Value {
    let attributes = schema.attributes.iter().map(|one| match one.kind {
        Kind::Free => {
            with_parts(attribute(one), free.iter().map(|(name, value)| free_attribute(name, value)).collect())
        }
        _ => attribute(one),
    });
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": attributes.collect::<Vec<_>>(),
        "meta": { "resourceType": "Schema", "location": format!("{base}/Schemas/{}", schema.id) },
    })
}

/// What the schema says of a free attribute: the characteristics that RFC 7643 §2.2 presumes, and its data type.
fn free_attribute(name: &str, value: &Value) -> Value {
    let (one, many) = match value {
        Value::Array(values) => (values.first().unwrap_or(&Value::Null), true),
        one => (one, false),
    };
    let kind = match one {
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "decimal",
        Value::Number(_) => "integer",
        Value::Object(_) => "complex",
        Value::Null | Value::String(_) | Value::Array(_) => "string",
    };
    let json = json!({
        "name": name, "type": kind, "multiValued": many, "description": "A free attribute", "required": false,
        "caseExact": true, "mutability": "readWrite", "returned": "default", "uniqueness": "none",
    });
    match one {
        Value::Object(parts) => {
            with_parts(json, parts.iter().map(|(name, value)| free_attribute(name, value)).collect())
        }
        _ => json,
    }
}

fn with_parts(mut attribute: Value, parts: Vec<Value>) -> Value {
    if let Some(attribute) = attribute.as_object_mut() {
        attribute.insert("subAttributes".to_owned(), parts.into());
    }
    attribute
}

fn attribute(attribute: &Attribute) -> Value {
    let mut json = Map::new();
    let mut set = |name: &str, value: Value| json.insert(name.to_owned(), value);
    set("name", attribute.name.into());
    set("type", kind(attribute.kind).into());
    set("multiValued", attribute.multi_valued.into());
    set("description", attribute.description.into());
    set("required", attribute.required.into());
    set("caseExact", attribute.case_exact.into());
    set("mutability", mutability(attribute.mutability).into());
    set("returned", if attribute.always { "always" } else { "default" }.into());
    set("uniqueness", if attribute.unique { "server" } else { "none" }.into());
    if !attribute.canonical.is_empty() {
        set("canonicalValues", json!(attribute.canonical));
    }
    if !attribute.references.is_empty() {
        set("referenceTypes", json!(attribute.references));
    }
    if let Kind::Complex(_) = attribute.kind {
        set("subAttributes", attribute.sub_attributes().iter().map(self::attribute).collect());
    }
    Value::Object(json)
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "string",
        Kind::Boolean => "boolean",
        Kind::Integer => "integer",
        Kind::DateTime => "dateTime",
        Kind::Binary => "binary",
        Kind::Reference => "reference",
        Kind::Complex(_) | Kind::Free => "complex",
    }
}

fn mutability(mutability: Mutability) -> &'static str {
    match mutability {
        Mutability::ReadWrite => "readWrite",
        Mutability::ReadOnly => "readOnly",
        Mutability::Immutable => "immutable",
    }
}
