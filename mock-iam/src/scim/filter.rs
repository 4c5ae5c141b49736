//! Filters (RFC 7644 §3.4.2.2): which resources match. Must not know what resources there are.

use std::cmp::Ordering;

use serde_json::Value;

/// A filter; a path is a list of names, schema URN first when there is one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    /// The attribute compares so to the value.
    Compare(Vec<String>, Comparison, Value),
    /// The attribute has a value (`pr`).
    Present(Vec<String>),
    /// One value of a multi-valued attribute matches as a whole, e.g. `roles[value eq "x"]`.
    Some(Vec<String>, Box<Filter>),
    /// Both match.
    And(Box<Filter>, Box<Filter>),
    /// One of them matches.
    Or(Box<Filter>, Box<Filter>),
    /// It does not match.
    Not(Box<Filter>),
}

/// Comparison operators (RFC 7644 §3.4.2.2, table 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
    EndsWith,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Filter {
    /// Whether a resource, or one value of a multi-valued attribute, matches.
    pub(crate) fn matches(&self, resource: &Value) -> bool {
        match self {
            Self::Compare(path, Comparison::NotEqual, wanted) => !equal(path, resource, wanted),
            Self::Compare(path, Comparison::Equal, wanted) => equal(path, resource, wanted),
            Self::Compare(path, comparison, wanted) => {
                values(resource, path).into_iter().any(|value| holds(path, value, *comparison, wanted))
            }
            Self::Present(path) => values(resource, path).into_iter().any(is_present),
            Self::Some(path, filter) => values(resource, path).into_iter().any(|value| filter.matches(value)),
            Self::And(left, right) => left.matches(resource) && right.matches(resource),
            Self::Or(left, right) => left.matches(resource) || right.matches(resource),
            Self::Not(filter) => !filter.matches(resource),
        }
    }
}

/// All values at a path; lists on the way are searched.
pub(super) fn values<'a>(resource: &'a Value, path: &[String]) -> Vec<&'a Value> {
    let found = match (resource, path.split_first()) {
        (Value::Array(items), _) => return items.iter().flat_map(|item| values(item, path)).collect(),
        (found, None) => found,
        (Value::Object(object), Some((name, rest))) => {
            return super::attribute(object, name).map_or_else(Vec::new, |value| values(value, rest));
        }
        _ => return Vec::new(),
    };
    vec![found]
}

fn equal(path: &[String], resource: &Value, wanted: &Value) -> bool {
    let found = values(resource, path);
    match wanted {
        Value::Null => !found.into_iter().any(is_present),
        wanted => found.into_iter().any(|value| holds(path, value, Comparison::Equal, wanted)),
    }
}

fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn holds(path: &[String], value: &Value, comparison: Comparison, wanted: &Value) -> bool {
    match (value, wanted) {
        // `roles eq "x"` is about the values of a complex attribute (RFC 7643 §2.4).
        (Value::Object(object), _) => {
            super::attribute(object, "value").is_some_and(|value| holds(path, value, comparison, wanted))
        }
        (Value::String(value), Value::String(wanted)) => match (as_time(path, value), as_time(path, wanted)) {
            (Some(value), Some(wanted)) if !is_about_text(comparison) => ordered(value.cmp(&wanted), comparison),
            // RFC 7643 §2.2: without letter case unless the attribute says otherwise.
            _ if is_exact(path) => texts(value, comparison, wanted),
            _ => texts(&value.to_lowercase(), comparison, &wanted.to_lowercase()),
        },
        (Value::Bool(value), Value::Bool(wanted)) => comparison == Comparison::Equal && value == wanted,
        (Value::Number(value), Value::Number(wanted)) => {
            let order = value.as_f64().zip(wanted.as_f64()).and_then(|(value, wanted)| value.partial_cmp(&wanted));
            order.is_some_and(|order| ordered(order, comparison))
        }
        _ => false,
    }
}

/// Whether letter case counts: in identifiers and links.
pub(super) fn is_exact(path: &[String]) -> bool {
    let named = |name: &String| ["id", "externalid", "meta", "$ref", "schemas"].contains(&name.to_lowercase().as_str());
    path.iter().any(named)
}

/// The instant that an attribute of `meta` holds: instants are compared as such, not as texts (RFC 7644 §3.4.2.2).
pub(super) fn as_time(path: &[String], text: &str) -> Option<jiff::Timestamp> {
    let is_time = |name: &String| ["created", "lastmodified"].contains(&name.to_lowercase().as_str());
    path.last().filter(|name| is_time(name)).and_then(|_| text.parse().ok())
}

fn is_about_text(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::Contains | Comparison::StartsWith | Comparison::EndsWith)
}

fn texts(value: &str, comparison: Comparison, wanted: &str) -> bool {
    match comparison {
        Comparison::Contains => value.contains(wanted),
        Comparison::StartsWith => value.starts_with(wanted),
        Comparison::EndsWith => value.ends_with(wanted),
        _ => ordered(value.cmp(wanted), comparison),
    }
}

fn ordered(order: Ordering, comparison: Comparison) -> bool {
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Contains | Comparison::StartsWith | Comparison::EndsWith => false,
    }
}
