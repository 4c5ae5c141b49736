//! Changes of a user in the words of SCIM (RFC 7644 §3.5.2). Must not know who changes and why.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::{Value, json};

/// The operation that suspends or reinstates.
pub(crate) fn replace_active(active: bool) -> Value {
    json!([{"op": "replace", "path": "active", "value": active}])
}

/// The operation that sets all roles. None left is a removal: a multi-valued attribute without values is unassigned
/// (RFC 7643 §2.5).
pub(crate) fn replace_roles(roles: &[String]) -> Value {
    if roles.is_empty() {
        return json!([{"op": "remove", "path": "roles"}]);
    }
    let values: Vec<Value> = roles.iter().map(|role| json!({"value": role})).collect();
    json!([{"op": "replace", "path": "roles", "value": values}])
}

/// The schema extension that holds a user's tenant.
const EXTENSION: &str = "urn:devenv:params:scim:schemas:extension:1.0:User";

/// The operation that moves a user to a tenant, or out of every tenant.
pub(crate) fn replace_tenant(tenant: Option<&str>) -> Value {
    let path = format!("{EXTENSION}:tenant");
    match tenant {
        Some(tenant) => json!([{"op": "replace", "path": path, "value": tenant}]),
        None => json!([{"op": "remove", "path": path}]),
    }
}

/// A new user (RFC 7644 §3.3).
pub(crate) fn user(name: &str, tenant: Option<&str>, roles: &[String]) -> Value {
    let roles: Vec<Value> = roles.iter().map(|role| json!({"value": role})).collect();
    let mut user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", EXTENSION],
        "userName": name,
        "active": true,
        "roles": roles,
    });
    if let (Some(tenant), Some(fields)) = (tenant, user.as_object_mut()) {
        fields.insert(EXTENSION.to_owned(), json!({"tenant": tenant}));
    }
    user
}

/// The body of a PATCH.
pub(crate) fn patch(operations: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}
