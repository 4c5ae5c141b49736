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

/// The body of a PATCH.
pub(crate) fn patch(operations: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}
