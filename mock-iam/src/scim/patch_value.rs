//! What a PATCH operation makes of one attribute's value (RFC 7644 §3.5.2.1 to §3.5.2.3). Must not know resources.

use serde_json::{Map, Value};

use super::filter::{Comparison, Filter};
use super::input::{invalid, is_assigned, is_primary, value as accept};
use super::patch::Operation;
use super::path::{Place, Sub};
use super::schema::{Attribute, Kind, Mutability, find};
use super::{ScimError, ScimType};

/// The value after `add` or `replace`; nothing when the attribute has none any more.
pub(super) fn set(
    place: &Place,
    before: Option<Value>,
    what: Operation,
    given: &Value,
) -> Result<Option<Value>, ScimError> {
    let attribute = place.attribute;
    match (attribute.multi_valued, &place.sub) {
        (true, _) => {
            let mut values = list(before);
            match (&place.filter, &place.sub) {
                (None, None) => return set_list(attribute, values, what, given),
                (None, Some(sub)) => set_in_all(attribute, &mut values, sub, given)?,
                (Some(filter), _) => set_selected(place, &mut values, filter, (what, given))?,
            }
            Ok(non_empty(values))
        }
        (false, Some(sub)) => {
            let mut object = object(before);
            set_sub(attribute, &mut object, sub, given)?;
            Ok(Some(Value::Object(object)).filter(is_assigned))
        }
        (false, None) => match (accept(attribute, given)?, before) {
            (Some(Value::Object(new)), Some(Value::Object(mut old)))
                if what == Operation::Add || matches!(attribute.kind, Kind::Complex(_)) =>
            {
                // RFC 7644 §3.5.2.3: the sub-attributes that are given replace theirs, others stay.
                let unassigned = given.as_object().into_iter().flatten().filter(|(_, value)| value.is_null());
                for (name, _) in unassigned {
                    old.retain(|old, _| !old.eq_ignore_ascii_case(name));
                }
                old.extend(new);
                Ok(Some(Value::Object(old)))
            }
            (new, _) => Ok(new),
        },
    }
}

/// The value after `remove`.
pub(super) fn remove(place: &Place, before: Option<Value>, listed: Option<&Value>) -> Result<Option<Value>, ScimError> {
    let name = match (&place.filter, &place.sub, listed) {
        (None, None, None) => return Ok(None),
        (None, None, Some(listed)) if place.attribute.multi_valued => {
            let listed = list(accept(place.attribute, listed)?);
            let named = |value: &Value| listed.iter().any(|listed| same(listed, value));
            return Ok(non_empty(list(before).into_iter().filter(|value| !named(value)).collect()));
        }
        (None, None, Some(_)) => return Ok(None),
        (_, sub, _) => sub.as_ref().map(Sub::name),
    };
    if let Some(Sub::Known(sub)) = &place.sub
        && (sub.required || sub.mutability != Mutability::ReadWrite)
    {
        return Err(ScimError::new(ScimType::Mutability, format!("`{}` cannot be removed", sub.name)));
    }
    if !place.attribute.multi_valued {
        let mut object = object(before);
        object.remove(name.unwrap_or_default());
        return Ok(Some(Value::Object(object)).filter(is_assigned));
    }
    let mut values = list(before);
    let selected = |value: &Value| place.filter.as_ref().is_none_or(|filter| filter.matches(value));
    if !values.iter().any(selected) {
        return Err(no_target(place.attribute));
    }
    match name {
        None => values.retain(|value| !selected(value)),
        Some(name) => {
            for value in values.iter_mut().filter(|value| selected(value)) {
                value.as_object_mut().map(|object| object.remove(name));
            }
            values.retain(is_assigned);
        }
    }
    Ok(non_empty(values))
}

fn set_list(
    attribute: &'static Attribute,
    mut values: Vec<Value>,
    what: Operation,
    given: &Value,
) -> Result<Option<Value>, ScimError> {
    let new = accept(attribute, given)?;
    if what == Operation::Replace {
        return Ok(new);
    }
    for new in list(new) {
        if is_primary(&new) {
            resign(&mut values);
        }
        // RFC 7644 §3.5.2.1: what is there already is not added again.
        if !values.contains(&new) {
            values.push(new);
        }
    }
    Ok(non_empty(values))
}

/// `emails.display`: in each value; when there is none, in a new one.
fn set_in_all(
    attribute: &'static Attribute,
    values: &mut Vec<Value>,
    sub: &Sub,
    given: &Value,
) -> Result<(), ScimError> {
    if values.is_empty() {
        values.push(Value::Object(Map::new()));
    }
    for value in values.iter_mut().filter_map(Value::as_object_mut) {
        set_sub(attribute, value, sub, given)?;
    }
    values.retain(is_assigned);
    Ok(())
}

/// `emails[type eq "work"]`, `emails[type eq "work"].value`.
fn set_selected(
    place: &Place,
    values: &mut Vec<Value>,
    filter: &Filter,
    (what, given): (Operation, &Value),
) -> Result<(), ScimError> {
    let attribute = place.attribute;
    if !values.iter().any(|value| filter.matches(value)) {
        // RFC 7644 §3.5.2.1: what does not exist is added; the filter says what it is, or the target is unknown.
        let new = (what == Operation::Add).then(|| described(attribute, filter)).flatten();
        values.push(Value::Object(new.ok_or_else(|| no_target(attribute))?));
    }
    let selected: Vec<bool> = values.iter().map(|value| filter.matches(value)).collect();
    let mut primary = false;
    for (value, _) in values.iter_mut().zip(&selected).filter(|(_, selected)| **selected) {
        let mut object = object(Some(std::mem::take(value)));
        match &place.sub {
            Some(sub) => set_sub(attribute, &mut object, sub, given)?,
            None => {
                let new = whole(attribute, given)?;
                if what == Operation::Replace {
                    object.clear();
                }
                object.extend(new);
            }
        }
        *value = Value::Object(object);
        primary |= is_primary(value);
    }
    if primary {
        let others = values.iter_mut().zip(&selected).filter(|(_, selected)| !**selected);
        others.for_each(|(value, _)| resign_one(value));
    }
    values.retain(is_assigned);
    // Types and the one primary value are checked as for a list that a client sends.
    accept(attribute, &Value::Array(values.clone())).map(drop)
}

/// One whole value; a bare string is the `value` of it, as for `roles[value eq "a"]`.
fn whole(attribute: &'static Attribute, given: &Value) -> Result<Map<String, Value>, ScimError> {
    let named = match (given, find(attribute.sub_attributes(), "value")) {
        (Value::String(_), Some(_)) => serde_json::json!({ "value": given }),
        (given, _) => given.clone(),
    };
    match list(accept(attribute, &named)?).pop() {
        Some(Value::Object(object)) => Ok(object),
        _ => Err(invalid(attribute.name, "must be one value here")),
    }
}

fn set_sub(attribute: &Attribute, object: &mut Map<String, Value>, sub: &Sub, given: &Value) -> Result<(), ScimError> {
    let new = match sub {
        Sub::Free(_) => Some(given.clone()).filter(|given| !given.is_null()),
        Sub::Known(sub) => accept(sub, given)?,
    };
    let before = object.get(sub.name());
    if let Sub::Known(known) = sub
        && known.mutability == Mutability::Immutable
        && before.is_some()
        && before != new.as_ref()
    {
        let detail = format!("`{}` of `{}` cannot be changed", known.name, attribute.name);
        return Err(ScimError::new(ScimType::Mutability, detail));
    }
    match new {
        Some(new) => object.insert(sub.name().to_owned(), new),
        None => object.remove(sub.name()),
    };
    Ok(())
}

/// The value that a filter of equalities describes, e.g. `type eq "work"`.
fn described(attribute: &'static Attribute, filter: &Filter) -> Option<Map<String, Value>> {
    match filter {
        Filter::Compare(path, Comparison::Equal, value) => match path.as_slice() {
            [name] => {
                let sub = find(attribute.sub_attributes(), name)?;
                Some(Map::from_iter([(sub.name.to_owned(), value.clone())]))
            }
            _ => None,
        },
        Filter::And(left, right) => {
            let mut both = described(attribute, left)?;
            both.extend(described(attribute, right)?);
            Some(both)
        }
        Filter::Compare(..) | Filter::Present(_) | Filter::Some(..) | Filter::Or(..) | Filter::Not(_) => None,
    }
}

/// Whether a listed value is this one: by identifier when both have one.
fn same(listed: &Value, value: &Value) -> bool {
    match (listed.get("value"), value.get("value")) {
        (Some(listed), Some(value)) => listed == value,
        _ => listed == value,
    }
}

/// RFC 7644 §3.5.2: a new primary value ends the primacy of the others.
fn resign(values: &mut [Value]) {
    values.iter_mut().for_each(resign_one);
}

fn resign_one(value: &mut Value) {
    if is_primary(value)
        && let Some(object) = value.as_object_mut()
    {
        object.insert("primary".to_owned(), Value::Bool(false));
    }
}

fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(values)) => values,
        Some(value) => vec![value],
        None => Vec::new(),
    }
}

fn object(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

fn non_empty(values: Vec<Value>) -> Option<Value> {
    Some(Value::Array(values)).filter(is_assigned)
}

/// RFC 7644 §3.12, table 9.
fn no_target(attribute: &Attribute) -> ScimError {
    ScimError::new(ScimType::NoTarget, format!("no value of `{}` matches the filter of the path", attribute.name))
}
