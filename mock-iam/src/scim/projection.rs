//! `attributes` and `excludedAttributes`: which part of a resource is returned (RFC 7644 §3.9). Must not know values.

use serde_json::{Map, Value};

use super::path::Target;
use super::schema::{COMMON, ResourceType};
use super::{ScimError, ScimType};

/// Which attributes are returned besides those that always are.
#[derive(Debug, Default)]
pub(crate) enum Projection {
    #[default]
    All,
    Only(Vec<Target>),
    Without(Vec<Target>),
}

impl Projection {
    /// Reads the two lists of names; names that nothing has are passed over.
    ///
    /// # Errors
    /// `invalidValue` when there are both.
    pub(crate) fn new(kind: &ResourceType, attributes: &[String], excluded: &[String]) -> Result<Self, ScimError> {
        let targets = |names: &[String]| names.iter().filter_map(|name| Target::parse(kind, name).ok()).collect();
        match (attributes.is_empty(), excluded.is_empty()) {
            (true, true) => Ok(Self::All),
            (false, true) => Ok(Self::Only(targets(attributes))),
            (true, false) => Ok(Self::Without(targets(excluded))),
            (false, false) => {
                let detail = "`attributes` and `excludedAttributes` exclude each other";
                Err(ScimError::new(ScimType::InvalidValue, detail))
            }
        }
    }

    /// The part of a resource that is returned.
    pub(crate) fn of(&self, resource: Value) -> Value {
        let Value::Object(mut whole) = resource else { return resource };
        match self {
            Self::All => Value::Object(whole),
            Self::Only(targets) => {
                let mut part = Map::new();
                for name in always() {
                    part.extend(whole.get(name).map(|value| (name.to_owned(), value.clone())));
                }
                targets.iter().for_each(|target| copy(&whole, &mut part, target));
                Value::Object(part)
            }
            Self::Without(targets) => {
                for target in targets {
                    cut(&mut whole, target);
                }
                Value::Object(whole)
            }
        }
    }
}

fn always() -> impl Iterator<Item = &'static str> {
    COMMON.iter().filter(|attribute| attribute.always).map(|attribute| attribute.name)
}

fn copy(whole: &Map<String, Value>, part: &mut Map<String, Value>, target: &Target) {
    let place = match target {
        Target::Extension(schema) => {
            part.extend(whole.get(schema.id).map(|value| (schema.id.to_owned(), value.clone())));
            return;
        }
        Target::Attribute(place) => place,
    };
    if let Some(schema) = place.extension {
        let Some(Value::Object(from)) = whole.get(schema.id) else { return };
        let into = part.entry(schema.id).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(into) = into {
            copy_attribute(from, into, place.attribute.name, place.sub.as_ref().map(|sub| sub.name()));
        }
    } else {
        copy_attribute(whole, part, place.attribute.name, place.sub.as_ref().map(|sub| sub.name()));
    }
}

fn copy_attribute(from: &Map<String, Value>, into: &mut Map<String, Value>, name: &str, sub: Option<&str>) {
    let Some(value) = from.get(name) else { return };
    let Some(sub) = sub else {
        into.insert(name.to_owned(), value.clone());
        return;
    };
    let pick = |value: &Value| value.get(sub).map(|found| (sub.to_owned(), found.clone()));
    match (into.get_mut(name), value) {
        // Two parts of one attribute, such as `name.givenName,name.familyName`.
        (Some(Value::Object(into)), value) => into.extend(pick(value)),
        (Some(Value::Array(into)), Value::Array(values)) => {
            for (into, value) in into.iter_mut().filter_map(Value::as_object_mut).zip(values) {
                into.extend(pick(value));
            }
        }
        (_, Value::Array(values)) => {
            let parts = values.iter().map(|value| Value::Object(pick(value).into_iter().collect()));
            into.insert(name.to_owned(), parts.collect());
        }
        (_, value) => {
            into.insert(name.to_owned(), Value::Object(pick(value).into_iter().collect()));
        }
    }
}

fn cut(whole: &mut Map<String, Value>, target: &Target) {
    let place = match target {
        Target::Extension(schema) => {
            whole.remove(schema.id);
            return;
        }
        Target::Attribute(place) if place.attribute.always => return,
        Target::Attribute(place) => place,
    };
    let object = match place.extension {
        Some(schema) => whole.get_mut(schema.id).and_then(Value::as_object_mut),
        None => Some(whole),
    };
    let Some(object) = object else { return };
    match (&place.sub, object.get_mut(place.attribute.name)) {
        (None, _) => {
            object.remove(place.attribute.name);
        }
        (Some(sub), Some(Value::Array(values))) => {
            for value in values.iter_mut().filter_map(Value::as_object_mut) {
                value.remove(sub.name());
            }
        }
        (Some(sub), Some(Value::Object(value))) => {
            value.remove(sub.name());
        }
        (Some(_), _) => {}
    }
}
