//! A user as SCIM writes it (RFC 7643 §4.1) and with our extension. Must not know single changes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{EXTENSION, ScimError, ScimType, USER, attribute};
use crate::directory::{Profile, User};

/// The user's representation; `base` is the URL of the SCIM service.
pub(crate) fn to_json(user: &User, base: &str) -> Value {
    let profile = &user.profile;
    let groups = profile.roles.iter().map(
        |role| json!({ "value": role, "display": role, "type": "direct", "$ref": location(base, "Groups", role) }),
    );
    let mut resource = json!({
        "schemas": [USER, EXTENSION],
        "id": profile.name,
        "userName": profile.name,
        "active": profile.active,
        "roles": profile.roles.iter().map(|role| json!({ "value": role })).collect::<Vec<_>>(),
        "groups": groups.collect::<Vec<_>>(),
        "meta": {
            "resourceType": "User",
            "created": user.created,
            "lastModified": user.last_modified,
            "location": location(base, "Users", &profile.name),
            "version": version(user),
        },
    });
    let mut extension = Map::new();
    extension.insert("attributes".to_owned(), json!(profile.attributes));
    if let Some(tenant) = &profile.tenant {
        extension.insert("tenant".to_owned(), tenant.clone().into());
    }
    if let Some(object) = resource.as_object_mut() {
        object.insert(EXTENSION.to_owned(), Value::Object(extension));
        if let Some(name) = &profile.display_name {
            object.insert("displayName".to_owned(), name.clone().into());
        }
    }
    resource
}

/// The entity tag of a user, weak because the representation may differ in form (RFC 7644 §3.14).
pub(crate) fn version(user: &User) -> String {
    format!("W/\"{}\"", user.version)
}

/// URL of a resource.
pub(crate) fn location(base: &str, endpoint: &str, id: &str) -> String {
    let mut url = format!("{base}/{endpoint}/");
    for byte in id.bytes() {
        match byte {
            // RFC 3986 §2.3: unreserved characters.
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => url.push(char::from(byte)),
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
    url
}

/// The profile in the body of POST or PUT. What we do not keep is ignored, what is read-only as well (RFC 7644 §3.3).
///
/// # Errors
/// `invalidValue` for a value of a wrong type, `invalidSyntax` for a body that is no object.
pub(crate) fn from_json(body: &Value) -> Result<Profile, ScimError> {
    let body = body.as_object().ok_or_else(|| ScimError::new(ScimType::InvalidSyntax, "the body must be an object"))?;
    let name = attribute(body, "userName").map(|value| string("userName", value)).transpose()?.flatten();
    let name = name.filter(|name| !name.is_empty());
    let mut profile = Profile::new(&name.ok_or_else(|| invalid("userName", "is required"))?);
    if let Some(value) = attribute(body, "displayName") {
        profile.display_name = string("displayName", value)?;
    }
    if let Some(value) = attribute(body, "active") {
        profile.active = boolean("active", value)?;
    }
    if let Some(value) = attribute(body, "roles") {
        profile.roles = roles(value)?;
    }
    match attribute(body, EXTENSION) {
        None | Some(Value::Null) => {}
        Some(Value::Object(extension)) => set_extension(&mut profile, extension)?,
        Some(_) => return Err(invalid(EXTENSION, "must be an object")),
    }
    Ok(profile)
}

/// Sets what an extension object holds.
pub(super) fn set_extension(profile: &mut Profile, extension: &Map<String, Value>) -> Result<(), ScimError> {
    if let Some(value) = attribute(extension, "tenant") {
        profile.tenant = string("tenant", value)?;
    }
    if let Some(value) = attribute(extension, "attributes") {
        profile.attributes = attributes(value)?;
    }
    Ok(())
}

/// A string; `null` unassigns (RFC 7643 §2.5).
pub(super) fn string(name: &str, value: &Value) -> Result<Option<String>, ScimError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(invalid(name, "must be a string")),
    }
}

pub(super) fn boolean(name: &str, value: &Value) -> Result<bool, ScimError> {
    value.as_bool().ok_or_else(|| invalid(name, "must be true or false"))
}

/// `[{"value": "customer"}]`; one object stands for a list of one.
pub(super) fn roles(value: &Value) -> Result<BTreeSet<String>, ScimError> {
    match value {
        Value::Null => Ok(BTreeSet::new()),
        Value::Array(values) => values.iter().map(role).collect(),
        Value::Object(_) => Ok(BTreeSet::from([role(value)?])),
        _ => Err(invalid("roles", "must be a list of objects")),
    }
}

fn role(value: &Value) -> Result<String, ScimError> {
    let name = value.as_object().and_then(|object| attribute(object, "value")).and_then(Value::as_str);
    let name = name.filter(|name| !name.is_empty());
    name.map(str::to_owned).ok_or_else(|| invalid("roles", "must hold objects with a `value`"))
}

/// Free attributes; `null` unassigns.
pub(super) fn attributes(value: &Value) -> Result<BTreeMap<String, Value>, ScimError> {
    match value {
        Value::Null => Ok(BTreeMap::new()),
        Value::Object(values) => {
            let values = values.iter().filter(|(_, value)| !value.is_null());
            Ok(values.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        _ => Err(invalid("attributes", "must be an object")),
    }
}

pub(super) fn invalid(name: &str, problem: &str) -> ScimError {
    ScimError::new(ScimType::InvalidValue, format!("`{name}` {problem}"))
}
