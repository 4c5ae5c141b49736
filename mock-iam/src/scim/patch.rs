//! PATCH (RFC 7644 §3.5.2): operations on the writable part of a resource, all of them or none.
//!
//! Must not know users, groups or the directory.

use serde_json::{Map, Value};

use super::input::invalid;
use super::path::{Place, Target};
use super::schema::{Mutability, ResourceType};
use super::{ScimError, ScimType, attribute, patch_value};

/// What an operation does to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Add,
    Replace,
    Remove,
}

/// The resource after the operations of a PATCH body.
///
/// # Errors
/// The first operation that cannot be done; then none is.
pub(crate) fn apply(
    kind: &ResourceType,
    mut resource: Map<String, Value>,
    body: &Value,
) -> Result<Map<String, Value>, ScimError> {
    let body = body.as_object().ok_or_else(|| syntax("the body must be an object"))?;
    let operations = attribute(body, "Operations").and_then(Value::as_array);
    let operations = operations.ok_or_else(|| syntax("`Operations` must be a list"))?;
    for operation in operations {
        let operation = operation.as_object().ok_or_else(|| syntax("an operation must be an object"))?;
        apply_one(kind, &mut resource, operation)?;
    }
    Ok(resource)
}

fn apply_one(
    kind: &ResourceType,
    resource: &mut Map<String, Value>,
    operation: &Map<String, Value>,
) -> Result<(), ScimError> {
    let name = attribute(operation, "op").and_then(Value::as_str).unwrap_or_default();
    let what = match name.to_ascii_lowercase().as_str() {
        "add" => Operation::Add,
        "replace" => Operation::Replace,
        "remove" => Operation::Remove,
        _ => return Err(syntax("`op` must be `add`, `replace` or `remove`")),
    };
    let value = attribute(operation, "value");
    match (what, attribute(operation, "path")) {
        (_, Some(Value::String(path))) => {
            let target = Target::parse(kind, path)?;
            match (what, value) {
                (Operation::Remove, value) => remove(resource, &target, value),
                (_, Some(value)) => set(kind, resource, &target, (what, value)),
                (_, None) => Err(invalid("value", "is required")),
            }
        }
        (_, Some(other)) if !other.is_null() => Err(ScimError::new(ScimType::InvalidPath, "`path` must be a string")),
        // RFC 7644 §3.5.2.2: a removal says what to remove.
        (Operation::Remove, _) => Err(ScimError::new(ScimType::NoTarget, "a removal needs a `path`")),
        (_, _) => set_all(kind, resource, what, value.and_then(Value::as_object)),
    }
}

/// The form without a path: the value holds the attributes (RFC 7644 §3.5.2.1, §3.5.2.3).
fn set_all(
    kind: &ResourceType,
    resource: &mut Map<String, Value>,
    what: Operation,
    values: Option<&Map<String, Value>>,
) -> Result<(), ScimError> {
    let values = values.ok_or_else(|| invalid("value", "must be an object when there is no `path`"))?;
    for (name, value) in values.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("schemas")) {
        set(kind, resource, &Target::parse(kind, name)?, (what, value))?;
    }
    Ok(())
}

fn set(
    kind: &ResourceType,
    resource: &mut Map<String, Value>,
    target: &Target,
    (what, value): (Operation, &Value),
) -> Result<(), ScimError> {
    match target {
        Target::Extension(schema) => {
            let values = value.as_object().ok_or_else(|| invalid("value", "must be an object"))?;
            for (name, value) in values.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("schemas")) {
                set(kind, resource, &Target::parse(kind, &format!("{}:{name}", schema.id))?, (what, value))?;
            }
            Ok(())
        }
        Target::Attribute(place) => {
            place.check_writable()?;
            change(resource, place, |before| {
                let after = patch_value::set(place, before.clone(), what, value)?;
                check_immutable(place, before.as_ref(), after.as_ref())?;
                Ok(after)
            })
        }
    }
}

/// A `value` beside the path of a removal takes these values out of a list, instead of all: so do some clients leave a
/// group, and taking them at the word of RFC 7644 §3.5.2.2 would empty it.
fn remove(resource: &mut Map<String, Value>, target: &Target, value: Option<&Value>) -> Result<(), ScimError> {
    match target {
        Target::Extension(schema) => {
            resource.remove(schema.id);
            Ok(())
        }
        Target::Attribute(place) => {
            place.check_writable()?;
            let name = place.attribute.name;
            if place.attribute.required && place.sub.is_none() {
                return Err(ScimError::new(ScimType::Mutability, format!("`{name}` cannot be removed, only set")));
            }
            let listed = value.filter(|value| !value.is_null());
            change(resource, place, |before| patch_value::remove(place, before, listed))
        }
    }
}

/// RFC 7643 §7: an immutable attribute is set once.
fn check_immutable(place: &Place, before: Option<&Value>, after: Option<&Value>) -> Result<(), ScimError> {
    match before {
        Some(before) if place.attribute.mutability == Mutability::Immutable && Some(before) != after => {
            let detail = format!("`{}` cannot be changed", place.attribute.name);
            Err(ScimError::new(ScimType::Mutability, detail))
        }
        _ => Ok(()),
    }
}

/// Changes an attribute's value in the object that holds it: the resource or an extension in it.
fn change(
    resource: &mut Map<String, Value>,
    place: &Place,
    new: impl FnOnce(Option<Value>) -> Result<Option<Value>, ScimError>,
) -> Result<(), ScimError> {
    let name = place.attribute.name;
    let mut extension = place.extension.map(|schema| match resource.remove(schema.id) {
        Some(Value::Object(extension)) => (schema.id, extension),
        _ => (schema.id, Map::new()),
    });
    let object = extension.as_mut().map_or(&mut *resource, |(_, extension)| extension);
    let before = object.remove(name);
    if let Some(after) = new(before)? {
        object.insert(name.to_owned(), after);
    }
    if let Some((id, extension)) = extension.filter(|(_, extension)| !extension.is_empty()) {
        resource.insert(id.to_owned(), Value::Object(extension));
    }
    Ok(())
}

fn syntax(detail: &str) -> ScimError {
    ScimError::new(ScimType::InvalidSyntax, detail)
}
