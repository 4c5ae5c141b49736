//! A group as SCIM writes it (RFC 7643 §4.2): a role and who has it. Must not know single changes.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::input::{self, invalid};
use super::schema::GROUPS;
use super::{GROUP, ScimError, location, version};
use crate::directory::{Directory, Group, GroupProfile};

/// The group's representation; `base` is the URL of the SCIM service.
pub(crate) fn to_json(directory: &Directory, group: &Group, base: &str) -> Value {
    let mut resource: Map<String, Value> = group.details.clone().into_iter().collect();
    let mut set = |name: &str, value: Value| resource.insert(name.to_owned(), value);
    set("schemas", json!([GROUP]));
    set("id", group.name.clone().into());
    set("displayName", group.name.clone().into());
    let member = |name: &str| {
        let mut member = json!({ "value": name, "type": "User", "$ref": location(base, "Users", name) });
        let display = directory.user(name).and_then(|user| user.profile.display_name.as_deref());
        if let (Some(display), Some(member)) = (display, member.as_object_mut()) {
            member.insert("display".to_owned(), display.into());
        }
        member
    };
    set("members", directory.members(&group.name).map(member).collect());
    set(
        "meta",
        json!({
            "resourceType": "Group",
            "created": group.created,
            "lastModified": group.last_modified,
            "location": location(base, "Groups", &group.name),
            "version": version(group.version),
        }),
    );
    Value::Object(resource)
}

/// The part that clients may write.
pub(crate) fn writable(directory: &Directory, group: &Group, base: &str) -> Map<String, Value> {
    let mut resource: Map<String, Value> = group.details.clone().into_iter().collect();
    resource.insert("displayName".to_owned(), group.name.clone().into());
    let member = |name: &str| json!({ "value": name, "type": "User", "$ref": location(base, "Users", name) });
    let members: Vec<Value> = directory.members(&group.name).map(member).collect();
    if !members.is_empty() {
        resource.insert("members".to_owned(), members.into());
    }
    resource
}

/// The group in the body of POST or PUT.
///
/// # Errors
/// `invalidValue` for a value of a wrong type, `invalidSyntax` for a body that is no object.
pub(crate) fn from_json(body: &Value) -> Result<GroupProfile, ScimError> {
    from_writable(input::resource(&GROUPS, body)?)
}

/// The group that the writable part describes.
///
/// # Errors
/// `invalidValue`.
pub(crate) fn from_writable(mut resource: Map<String, Value>) -> Result<GroupProfile, ScimError> {
    let Some(Value::String(name)) = resource.remove("displayName") else {
        return Err(invalid("displayName", "is required"));
    };
    let members = resource.remove("members");
    let mut names = BTreeSet::new();
    for member in members.iter().filter_map(Value::as_array).flatten() {
        let text = |name: &str| member.get(name).and_then(Value::as_str);
        // A role of a role has no meaning for tokens and policies here.
        if text("type").is_some_and(|kind| kind != "User") {
            return Err(invalid("members", "may hold users only"));
        }
        names.extend(text("value").map(str::to_owned));
    }
    Ok(GroupProfile { name, members: names, details: resource.into_iter().collect() })
}
