//! A user as SCIM writes it (RFC 7643 §4.1) and with its extensions. Must not know single changes.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::input::{self, invalid};
use super::schema::USERS;
use super::{ENTERPRISE, EXTENSION, ScimError, USER, location, version};
use crate::directory::{Profile, User};

/// The user's representation; `base` is the URL of the SCIM service.
pub(crate) fn to_json(user: &User, base: &str) -> Value {
    let profile = &user.profile;
    let mut resource = writable(profile);
    let groups = profile.roles.iter().map(
        |role| json!({ "value": role, "display": role, "type": "direct", "$ref": location(base, "Groups", role) }),
    );
    let extensions = [EXTENSION, ENTERPRISE].into_iter().filter(|urn| resource.contains_key(*urn));
    let schemas: Vec<_> = std::iter::once(USER).chain(extensions).collect();
    let mut set = |name: &str, value: Value| resource.insert(name.to_owned(), value);
    set("schemas", json!(schemas));
    set("id", profile.name.clone().into());
    set("roles", roles(profile));
    set("groups", groups.collect());
    set(
        "meta",
        json!({
            "resourceType": "User",
            "created": user.created,
            "lastModified": user.last_modified,
            "location": location(base, "Users", &profile.name),
            "version": version(user.version),
        }),
    );
    Value::Object(resource)
}

/// The part that clients may write.
pub(crate) fn writable(profile: &Profile) -> Map<String, Value> {
    let mut resource: Map<String, Value> = profile.details.clone().into_iter().collect();
    resource.insert("userName".to_owned(), profile.name.clone().into());
    resource.insert("active".to_owned(), profile.active.into());
    if let Some(name) = &profile.display_name {
        resource.insert("displayName".to_owned(), name.clone().into());
    }
    if !profile.roles.is_empty() {
        resource.insert("roles".to_owned(), roles(profile));
    }
    let mut extension = match resource.remove(EXTENSION) {
        Some(Value::Object(extension)) => extension,
        _ => Map::new(),
    };
    if !profile.attributes.is_empty() {
        extension.insert("attributes".to_owned(), json!(profile.attributes));
    }
    if let Some(tenant) = &profile.tenant {
        extension.insert("tenant".to_owned(), tenant.clone().into());
    }
    if !extension.is_empty() {
        resource.insert(EXTENSION.to_owned(), Value::Object(extension));
    }
    resource
}

/// The profile in the body of POST or PUT.
///
/// # Errors
/// `invalidValue` for a value of a wrong type, `invalidSyntax` for a body that is no object.
pub(crate) fn from_json(body: &Value) -> Result<Profile, ScimError> {
    from_writable(input::resource(&USERS, body)?)
}

/// Whether a body says anything about `active`: what it does not say, a replacement leaves as it is.
pub(crate) fn says_active(body: &Value) -> bool {
    body.as_object().and_then(|body| super::attribute(body, "active")).is_some_and(|active| !active.is_null())
}

/// The profile that the writable part describes.
///
/// # Errors
/// `invalidValue`.
pub(crate) fn from_writable(mut resource: Map<String, Value>) -> Result<Profile, ScimError> {
    let name = text(resource.remove("userName")).ok_or_else(|| invalid("userName", "is required"))?;
    let mut profile = Profile::new(&name);
    profile.active = resource.remove("active").and_then(|active| active.as_bool()).unwrap_or(true);
    profile.display_name = text(resource.remove("displayName"));
    let roles = resource.remove("roles");
    let roles = roles.iter().filter_map(Value::as_array).flatten();
    profile.roles = roles.filter_map(|role| role.get("value")?.as_str().map(str::to_owned)).collect::<BTreeSet<_>>();
    if let Some(Value::Object(mut extension)) = resource.remove(EXTENSION) {
        profile.tenant = text(extension.remove("tenant"));
        if let Some(Value::Object(attributes)) = extension.remove("attributes") {
            // An empty object and none are the same to policies, but not to the client that wrote it.
            if attributes.is_empty() {
                profile.details.insert(EXTENSION.to_owned(), json!({ "attributes": {} }));
            }
            profile.attributes = attributes.into_iter().collect();
        }
    }
    profile.details.extend(resource);
    Ok(profile)
}

fn roles(profile: &Profile) -> Value {
    profile.roles.iter().map(|role| json!({ "value": role })).collect()
}

fn text(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}
