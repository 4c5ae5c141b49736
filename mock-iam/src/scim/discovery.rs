//! What this SCIM service can do (RFC 7643 §5 to §7): the truth, so that clients need not guess. Must not know users.

use serde_json::{Value, json};

use super::list::LONGEST_PAGE;
use super::{EXTENSION, GROUP, USER};

/// RFC 7643 §5.
pub(crate) fn service_provider_config(base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": LONGEST_PAGE },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
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
    let kind = |name: &str, schema: &str, extensions: Value| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": name,
            "name": name,
            "endpoint": format!("/{name}s"),
            "schema": schema,
            "schemaExtensions": extensions,
            "meta": { "resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{name}") },
        })
    };
    vec![kind("User", USER, json!([{ "schema": EXTENSION, "required": false }])), kind("Group", GROUP, json!([]))]
}

/// RFC 7643 §7.
pub(crate) fn schemas(base: &str) -> Vec<Value> {
    let user = json!([
        attribute(
            "userName",
            "string",
            "immutable",
            "Unique name, the id as well",
            &json!({ "required": true, "uniqueness": "server" })
        ),
        attribute("displayName", "string", "readWrite", "Name for people", &json!({})),
        attribute("active", "boolean", "readWrite", "Whether the user may do anything at all", &json!({})),
        attribute(
            "roles",
            "complex",
            "readWrite",
            "Roles",
            &json!({
                "multiValued": true,
                "subAttributes": [attribute("value", "string", "readWrite", "Name of the role", &json!({ "required": true }))],
            })
        ),
        attribute(
            "groups",
            "complex",
            "readOnly",
            "Groups, one for each role",
            &json!({
                "multiValued": true,
                "subAttributes": members("readOnly"),
            })
        ),
    ]);
    let extension = json!([
        attribute("tenant", "string", "readWrite", "The tenant that the user belongs to", &json!({})),
        attribute(
            "attributes",
            "complex",
            "readWrite",
            "Free attributes, which policies see",
            &json!({ "subAttributes": [] })
        ),
    ]);
    let group = json!([
        attribute("displayName", "string", "readOnly", "Name of the role", &json!({})),
        attribute(
            "members",
            "complex",
            "readOnly",
            "Who has the role",
            &json!({
                "multiValued": true,
                "subAttributes": members("readOnly"),
            })
        ),
    ]);
    vec![
        schema(base, USER, "User", user),
        schema(base, GROUP, "Group", group),
        schema(base, EXTENSION, "User in a tenant", extension),
    ]
}

fn schema(base: &str, id: &str, name: &str, attributes: Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": id,
        "name": name,
        "description": name,
        "attributes": attributes,
        "meta": { "resourceType": "Schema", "location": format!("{base}/Schemas/{id}") },
    })
}

fn members(mutability: &str) -> Value {
    json!([
        attribute("value", "string", mutability, "Identifier", &json!({})),
        attribute("display", "string", mutability, "Name for people", &json!({})),
        attribute("type", "string", mutability, "What it is", &json!({})),
        attribute("$ref", "reference", mutability, "URL", &json!({ "referenceTypes": ["User", "Group"] })),
    ])
}

/// An attribute with the usual characteristics (RFC 7643 §2.2), and some set otherwise.
fn attribute(name: &str, kind: &str, mutability: &str, description: &str, others: &Value) -> Value {
    let mut attribute = json!({
        "name": name,
        "type": kind,
        "multiValued": false,
        "description": description,
        "required": false,
        "caseExact": false,
        "mutability": mutability,
        "returned": "default",
        "uniqueness": "none",
    });
    if let (Some(attribute), Some(others)) = (attribute.as_object_mut(), others.as_object()) {
        attribute.extend(others.clone());
    }
    attribute
}
