//! JSON values to Cedar values: by the schema's types where there is a schema, by their look otherwise.
//!
//! Must not know whose values they are.

use cedar_policy::{EntityId, EntityTypeName, EntityUid, RestrictedExpression};
use serde_json::{Map, Value};

use super::entity_type::encode;
use super::types::{Extension, Field, Fields, Type};

/// A value that has no counterpart in Cedar, or not the type that the schema declares.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` {problem}")]
pub(super) struct ValueError {
    /// Where: attribute names joined by dots, e.g. `address.city`.
    pub(super) path: String,
    /// What is wrong with it.
    pub(super) problem: String,
}

/// Converts attributes and collects the entities that they refer to.
#[derive(Default)]
pub(super) struct Converter {
    /// Each entity that a converted value refers to.
    pub(super) references: Vec<EntityUid>,
}

type Converted = Result<RestrictedExpression, ValueError>;
type Attributes = Vec<(String, RestrictedExpression)>;

impl Converter {
    /// Converts the attributes of a record.
    ///
    /// With declared fields, others are ignored (a caller may send a whole object), and a missing required one is an
    /// error: a policy that reads it would fail, and Cedar skips a failing `forbid`.
    pub(super) fn attributes(
        &mut self,
        values: &Map<String, Value>,
        fields: Option<&Fields>,
    ) -> Result<Attributes, ValueError> {
        let Some(fields) = fields else {
            let all = values
                .iter()
                .map(|(name, value)| Ok((name.clone(), self.untyped(value).map_err(|error| error.within(name))?)));
            return all.collect();
        };
        let declared = fields.iter().filter_map(|(name, field)| self.declared(values, name, field));
        declared.map(|(name, value)| Ok((name.to_owned(), value?))).collect()
    }

    fn declared<'a>(
        &mut self,
        values: &Map<String, Value>,
        name: &'a str,
        field: &Field,
    ) -> Option<(&'a str, Converted)> {
        match values.get(name) {
            Some(value) => Some((name, self.typed(value, &field.kind).map_err(|error| error.within(name)))),
            None if field.required => Some((name, Err(wrong("is missing, and the schema requires it").within(name)))),
            None => None,
        }
    }

    fn typed(&mut self, value: &Value, kind: &Type) -> Converted {
        match (kind, value) {
            (_, Value::Null) => Err(wrong("is null, which policies cannot see; leave it out")),
            (Type::Bool, Value::Bool(value)) => Ok(RestrictedExpression::new_bool(*value)),
            (Type::Long, Value::Number(number)) => long(number),
            (Type::String, Value::String(value)) => Ok(RestrictedExpression::new_string(value.clone())),
            (Type::Set(element), Value::Array(values)) => {
                let values = values.iter().map(|value| self.typed(value, element).map_err(ValueError::in_list));
                Ok(RestrictedExpression::new_set(values.collect::<Result<Vec<_>, _>>()?))
            }
            (Type::Record(fields), Value::Object(values)) => record(self.attributes(values, Some(fields))?),
            (Type::Entity(expected), Value::Object(object)) => match reference(object) {
                Some(uid) if uid.type_name() == expected => Ok(self.entity(uid)),
                _ => Err(ill_typed(kind)),
            },
            (Type::Extension(extension), Value::String(text)) => Ok(extension_value(*extension, text)),
            _ => Err(ill_typed(kind)),
        }
    }

    fn untyped(&mut self, value: &Value) -> Converted {
        match value {
            Value::Null => Err(wrong("is null, which policies cannot see; leave it out")),
            Value::Bool(value) => Ok(RestrictedExpression::new_bool(*value)),
            Value::Number(number) => long(number),
            Value::String(value) => Ok(RestrictedExpression::new_string(value.clone())),
            Value::Array(values) => {
                let values = values.iter().map(|value| self.untyped(value).map_err(ValueError::in_list));
                Ok(RestrictedExpression::new_set(values.collect::<Result<Vec<_>, _>>()?))
            }
            Value::Object(object) => match reference(object).filter(|_| object.len() == 2) {
                Some(uid) => Ok(self.entity(uid)),
                None => record(self.attributes(object, None)?),
            },
        }
    }

    fn entity(&mut self, uid: EntityUid) -> RestrictedExpression {
        self.references.push(uid.clone());
        RestrictedExpression::new_entity_uid(uid)
    }
}

impl ValueError {
    fn within(mut self, name: &str) -> Self {
        let separator = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{name}{separator}{}", self.path);
        self
    }

    fn in_list(self) -> Self {
        self.within("[]")
    }

    /// The attribute that the value belongs to, however deep it is.
    pub(super) fn attribute(&self) -> &str {
        self.path.split(['.', '[']).next().unwrap_or_default()
    }
}

/// The entity that `{"type": "User", "id": "alice"}` names.
pub(super) fn reference(object: &Map<String, Value>) -> Option<EntityUid> {
    uid(object.get("type")?.as_str()?, object.get("id")?.as_str()?)
}

/// The entity of this type and id.
pub(super) fn uid(kind: &str, id: &str) -> Option<EntityUid> {
    let kind: EntityTypeName = encode(kind).parse().ok()?;
    Some(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

fn long(number: &serde_json::Number) -> Converted {
    let value = number.as_i64().ok_or_else(|| wrong("is not a whole number of 64 bits, the only numbers of policies"));
    value.map(RestrictedExpression::new_long)
}

fn record(attributes: Attributes) -> Converted {
    RestrictedExpression::new_record(attributes).map_err(|error| wrong(error.to_string()))
}

fn extension_value(extension: Extension, text: &str) -> RestrictedExpression {
    match extension {
        Extension::Decimal => RestrictedExpression::new_decimal(text),
        Extension::IpAddress => RestrictedExpression::new_ip(text),
        Extension::DateTime => RestrictedExpression::new_datetime(text),
        Extension::Duration => RestrictedExpression::new_duration(text),
    }
}

fn wrong(problem: impl Into<String>) -> ValueError {
    ValueError { path: String::new(), problem: problem.into() }
}

fn ill_typed(kind: &Type) -> ValueError {
    let expected = match kind {
        Type::Bool => "true or false".to_owned(),
        Type::Long => "a whole number".to_owned(),
        Type::String => "a string".to_owned(),
        Type::Set(_) => "a list".to_owned(),
        Type::Record(_) => "an object".to_owned(),
        Type::Entity(name) => format!("a reference {{\"type\": \"{name}\", \"id\": \"…\"}}"),
        Type::Extension(Extension::Decimal) => "a decimal in a string".to_owned(),
        Type::Extension(Extension::IpAddress) => "an IP address in a string".to_owned(),
        Type::Extension(Extension::DateTime) => "a date and time in a string".to_owned(),
        Type::Extension(Extension::Duration) => "a duration in a string".to_owned(),
    };
    wrong(format!("must be {expected}"))
}
