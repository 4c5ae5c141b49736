//! Groups (RFC 7643 §4.2): one for each role that somebody has; to be read only. Must not know how roles change.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::GROUP;
use super::user::location;
use crate::directory::Directory;

/// All groups, by name.
pub(crate) fn all(directory: &Directory, base: &str) -> Vec<Value> {
    let mut members: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for user in directory.users() {
        for role in &user.profile.roles {
            members.entry(role).or_default().push(&user.profile.name);
        }
    }
    members.into_iter().map(|(role, members)| group(role, &members, base)).collect()
}

/// One group; nothing when nobody has the role.
pub(crate) fn one(directory: &Directory, role: &str, base: &str) -> Option<Value> {
    let members = directory.users().filter(|user| user.profile.roles.contains(role));
    let members: Vec<&str> = members.map(|user| user.profile.name.as_str()).collect();
    (!members.is_empty()).then(|| group(role, &members, base))
}

fn group(role: &str, members: &[&str], base: &str) -> Value {
    let members = members
        .iter()
        .map(|name| json!({ "value": name, "display": name, "type": "User", "$ref": location(base, "Users", name) }));
    json!({
        "schemas": [GROUP],
        "id": role,
        "displayName": role,
        "members": members.collect::<Vec<_>>(),
        "meta": { "resourceType": "Group", "location": location(base, "Groups", role) },
    })
}
