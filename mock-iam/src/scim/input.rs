//! What clients send, by the schema: names as the schema writes them, values of the right types, nothing that is
//! read-only or unknown (RFC 7643 §2, RFC 7644 §3.3). Must not know users or groups.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::schema::{Attribute, Kind, Mutability, ResourceType, find};
use super::{ScimError, ScimType, after_urn};

/// The writable part of a resource in the body of POST or PUT. What we do not keep is ignored, what is read-only as
/// well (RFC 7644 §3.3), and `null` and empty lists mean that there is no value (RFC 7643 §2.5).
///
/// # Errors
/// `invalidValue` for a value of a wrong type, `invalidSyntax` for a body that is no object or says something twice.
pub(crate) fn resource(kind: &ResourceType, body: &Value) -> Result<Map<String, Value>, ScimError> {
    let body = body.as_object().ok_or_else(|| ScimError::new(ScimType::InvalidSyntax, "the body must be an object"))?;
    let mut resource = Map::new();
    for (name, value) in body {
        match kind.extension(name) {
            Some((schema, "")) => {
                let Some(values) = object(schema.id, value)? else { continue };
                let extension = complex(schema.attributes, values)?;
                once(&mut resource, schema.id, Some(Value::Object(extension)).filter(is_assigned))?;
            }
            // `urn:…:User:tenant` beside the others: not the form of RFC 7643 §3.3, but unambiguous.
            Some((schema, rest)) => {
                let Some(attribute) = find(schema.attributes, rest) else { continue };
                let Some(value) = writable(attribute, value)? else { continue };
                let extension = resource.entry(schema.id).or_insert_with(|| Value::Object(Map::new()));
                if let Some(extension) = extension.as_object_mut() {
                    once(extension, attribute.name, Some(value))?;
                }
            }
            None => {
                let core = after_urn(name, kind.schema.id).unwrap_or(name);
                let Some(attribute) = kind.attribute(core) else { continue };
                once(&mut resource, attribute.name, writable(attribute, value)?)?;
            }
        }
    }
    Ok(resource)
}

/// The value as the attribute keeps it; nothing when it means that there is none.
///
/// # Errors
/// `invalidValue`.
pub(super) fn value(attribute: &'static Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    let values = match value {
        Value::Null => return Ok(None),
        _ if !attribute.multi_valued => return one(attribute, value),
        Value::Array(values) => values.iter().map(|value| one(attribute, value)).collect::<Result<Vec<_>, _>>()?,
        // One object stands for a list of one.
        value => vec![one(attribute, value)?],
    };
    let values: Vec<Value> = values.into_iter().flatten().collect();
    let primary = values.iter().filter(|value| is_primary(value)).count();
    if primary > 1 {
        // RFC 7643 §2.4.
        return Err(invalid(attribute.name, "has more than one primary value"));
    }
    Ok(Some(Value::Array(values)).filter(is_assigned))
}

pub(super) fn is_primary(value: &Value) -> bool {
    value.get("primary") == Some(&Value::Bool(true))
}

/// Whether a value is one: empty lists and objects are none (RFC 7643 §2.5).
pub(super) fn is_assigned(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(values) => !values.is_empty(),
        Value::Object(values) => !values.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

pub(super) fn invalid(name: &str, problem: &str) -> ScimError {
    ScimError::new(ScimType::InvalidValue, format!("`{name}` {problem}"))
}

fn writable(attribute: &'static Attribute, given: &Value) -> Result<Option<Value>, ScimError> {
    if attribute.mutability == Mutability::ReadOnly { Ok(None) } else { value(attribute, given) }
}

fn once(object: &mut Map<String, Value>, name: &str, value: Option<Value>) -> Result<(), ScimError> {
    let Some(value) = value else { return Ok(()) };
    match object.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(ScimError::new(ScimType::InvalidSyntax, format!("the body names `{name}` twice"))),
    }
}

fn object<'a>(name: &str, value: &'a Value) -> Result<Option<&'a Map<String, Value>>, ScimError> {
    match value {
        Value::Null => Ok(None),
        Value::Object(object) => Ok(Some(object)),
        _ => Err(invalid(name, "must be an object")),
    }
}

/// One value of an attribute.
fn one(attribute: &'static Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    let wrong = |expected: &str| Err(invalid(attribute.name, &format!("must be {expected}")));
    match (attribute.kind, value) {
        (_, Value::Null) => return Ok(None),
        (Kind::Complex(attributes), Value::Object(values)) => {
            let kept = complex(attributes, values)?;
            let missing = attributes.iter().find(|sub| sub.required && !kept.contains_key(sub.name));
            if let Some(missing) = missing {
                return Err(invalid(attribute.name, &format!("must hold objects with a `{}`", missing.name)));
            }
            return Ok(Some(Value::Object(kept)).filter(is_assigned));
        }
        (Kind::Free, Value::Object(values)) => {
            let assigned = values.iter().filter(|(_, value)| !value.is_null());
            return Ok(Some(assigned.map(|(name, value)| (name.clone(), value.clone())).collect()));
        }
        (Kind::Complex(_) | Kind::Free, _) => return wrong("an object, or a list of objects when there may be many"),
        (Kind::String, Value::String(text)) if attribute.required && text.is_empty() => {
            return wrong("a string that is not empty");
        }
        (Kind::String | Kind::Reference, Value::String(_)) => {}
        (Kind::String | Kind::Reference, _) => return wrong("a string"),
        (Kind::Boolean, Value::Bool(_)) => {}
        (Kind::Boolean, _) => return wrong("true or false"),
        (Kind::Integer, Value::Number(number)) if number.is_i64() => {}
        (Kind::Integer, _) => return wrong("a whole number"),
        (Kind::DateTime, Value::String(text)) if text.parse::<jiff::Timestamp>().is_ok() => {}
        (Kind::DateTime, _) => return wrong("a date and time (RFC 3339)"),
        (Kind::Binary, Value::String(text)) if STANDARD.decode(text).is_ok() => {}
        (Kind::Binary, _) => return wrong("base64 (RFC 4648 §4)"),
    }
    Ok(Some(value.clone()))
}

fn complex(attributes: &'static [Attribute], values: &Map<String, Value>) -> Result<Map<String, Value>, ScimError> {
    let mut kept = Map::new();
    for (name, value) in values {
        let Some(attribute) = find(attributes, name) else { continue };
        once(&mut kept, attribute.name, writable(attribute, value)?)?;
    }
    Ok(kept)
}
