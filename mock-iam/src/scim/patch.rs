//! PATCH (RFC 7644 §3.5.2): operations to a new profile, all of them or none. Must not know the directory.

use serde_json::{Map, Value};

use super::filter::Filter;
use super::patch_path::Target;
use super::user::{attributes, boolean, invalid, roles, set_extension, string};
use super::{ScimError, ScimType, attribute};
use crate::directory::Profile;

/// What an operation does to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Add,
    Replace,
    Remove,
}

/// The profile after the operations of a PATCH body.
///
/// # Errors
/// The first operation that cannot be done; then none is.
pub(crate) fn apply(profile: &Profile, body: &Value) -> Result<Profile, ScimError> {
    let body = body.as_object().ok_or_else(|| syntax("the body must be an object"))?;
    let operations = attribute(body, "Operations").and_then(Value::as_array);
    let operations = operations.ok_or_else(|| syntax("`Operations` must be a list"))?;
    let mut changed = profile.clone();
    for operation in operations {
        let operation = operation.as_object().ok_or_else(|| syntax("an operation must be an object"))?;
        apply_one(&mut changed, operation)?;
    }
    Ok(changed)
}

fn apply_one(profile: &mut Profile, operation: &Map<String, Value>) -> Result<(), ScimError> {
    let name = attribute(operation, "op").and_then(Value::as_str).unwrap_or_default();
    let kind = match name.to_ascii_lowercase().as_str() {
        "add" => Operation::Add,
        "replace" => Operation::Replace,
        "remove" => Operation::Remove,
        _ => return Err(syntax("`op` must be `add`, `replace` or `remove`")),
    };
    let value = attribute(operation, "value");
    match (kind, attribute(operation, "path")) {
        (_, Some(Value::String(path))) => {
            let target = Target::parse(path)?;
            match (kind, value) {
                (Operation::Remove, _) => remove(profile, &target),
                (_, Some(value)) => set(profile, &target, kind, value),
                (_, None) => Err(invalid("value", "is required")),
            }
        }
        (_, Some(other)) if !other.is_null() => Err(ScimError::new(ScimType::InvalidPath, "`path` must be a string")),
        // RFC 7644 §3.5.2.2: a removal says what to remove.
        (Operation::Remove, _) => Err(ScimError::new(ScimType::NoTarget, "a removal needs a `path`")),
        (_, _) => set_all(profile, kind, value.and_then(Value::as_object)),
    }
}

/// The form without a path: the value holds the attributes (RFC 7644 §3.5.2.1, §3.5.2.3).
fn set_all(profile: &mut Profile, kind: Operation, values: Option<&Map<String, Value>>) -> Result<(), ScimError> {
    let values = values.ok_or_else(|| invalid("value", "must be an object when there is no `path`"))?;
    for (name, value) in values.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("schemas")) {
        set(profile, &Target::parse(name)?, kind, value)?;
    }
    Ok(())
}

fn set(profile: &mut Profile, target: &Target, kind: Operation, value: &Value) -> Result<(), ScimError> {
    match target {
        // The name is the id, which never changes (RFC 7643 §3.1).
        Target::UserName if value.as_str() == Some(&profile.name) => {}
        Target::UserName => return Err(immutable("userName")),
        Target::DisplayName => profile.display_name = string("displayName", value)?,
        Target::Active => profile.active = boolean("active", value)?,
        Target::Roles { only: None } if kind == Operation::Add => profile.roles.append(&mut roles(value)?),
        Target::Roles { only: None } => profile.roles = roles(value)?,
        Target::Roles { only: Some(filter) } => {
            let mut new = match value {
                Value::String(_) => roles(&serde_json::json!({ "value": value }))?,
                other => roles(other)?,
            };
            take_roles(profile, filter)?;
            profile.roles.append(&mut new);
        }
        Target::Tenant => profile.tenant = string("tenant", value)?,
        Target::Attributes if kind == Operation::Add => profile.attributes.append(&mut attributes(value)?),
        Target::Attributes => profile.attributes = attributes(value)?,
        Target::Attribute(name) if value.is_null() => {
            profile.attributes.remove(name);
        }
        Target::Attribute(name) => {
            profile.attributes.insert(name.clone(), value.clone());
        }
        Target::Extension => {
            let values = value.as_object().ok_or_else(|| invalid("value", "must be an object"))?;
            let mut before = std::mem::take(&mut profile.attributes);
            set_extension(profile, values)?;
            if kind == Operation::Add || attribute(values, "attributes").is_none() {
                before.append(&mut profile.attributes);
                profile.attributes = before;
            }
        }
    }
    Ok(())
}

fn remove(profile: &mut Profile, target: &Target) -> Result<(), ScimError> {
    match target {
        Target::UserName => return Err(immutable("userName")),
        // Without a value the default would hold again, which is `true`: nobody is reactivated by a removal.
        Target::Active => return Err(ScimError::new(ScimType::Mutability, "`active` cannot be removed, only set")),
        Target::DisplayName => profile.display_name = None,
        Target::Roles { only: None } => profile.roles.clear(),
        Target::Roles { only: Some(filter) } => take_roles(profile, filter)?,
        Target::Tenant => profile.tenant = None,
        Target::Attributes => profile.attributes.clear(),
        Target::Attribute(name) => {
            profile.attributes.remove(name);
        }
        Target::Extension => {
            profile.tenant = None;
            profile.attributes.clear();
        }
    }
    Ok(())
}

/// Takes out the roles that a value filter matches; `noTarget` when there is none (RFC 7644 §3.12).
fn take_roles(profile: &mut Profile, filter: &Filter) -> Result<(), ScimError> {
    let before = profile.roles.len();
    profile.roles.retain(|role| !filter.matches(&serde_json::json!({ "value": role })));
    if profile.roles.len() == before {
        return Err(ScimError::new(ScimType::NoTarget, "no role matches the filter of the path"));
    }
    Ok(())
}

fn immutable(name: &str) -> ScimError {
    ScimError::new(ScimType::Mutability, format!("`{name}` cannot be changed"))
}

fn syntax(detail: &str) -> ScimError {
    ScimError::new(ScimType::InvalidSyntax, detail)
}
