//! The order of a list (RFC 7644 §3.4.2.3). Must not know what the resources are.

use std::cmp::Ordering;

use serde_json::Value;

use super::filter::{as_time, is_exact, values};
use super::input::is_primary;
use super::path::Target;
use super::schema::ResourceType;
use super::{ScimError, ScimType};

/// An order by one attribute.
#[derive(Debug)]
pub(super) struct Order {
    path: Vec<String>,
    descending: bool,
}

impl Order {
    /// Reads `sortBy` and `sortOrder`; nothing when there is no `sortBy`.
    ///
    /// # Errors
    /// `invalidPath` for an attribute that nothing has, `invalidValue` for another order.
    pub(super) fn new(
        kinds: &[&'static ResourceType],
        by: Option<&str>,
        order: Option<&str>,
    ) -> Result<Option<Self>, ScimError> {
        let Some(by) = by else { return Ok(None) };
        let descending = match order.map(str::to_ascii_lowercase).as_deref() {
            None | Some("ascending") => false,
            Some("descending") => true,
            Some(_) => {
                let detail = "`sortOrder` must be `ascending` or `descending`";
                return Err(ScimError::new(ScimType::InvalidValue, detail));
            }
        };
        let place = kinds.iter().find_map(|kind| match Target::parse(kind, by) {
            Ok(Target::Attribute(place)) if place.filter.is_none() => Some(place),
            _ => None,
        });
        let place =
            place.ok_or_else(|| ScimError::new(ScimType::InvalidPath, format!("`{by}` is not an attribute")))?;
        let extension = place.extension.map(|schema| schema.id.to_owned());
        let names = [Some(place.attribute.name.to_owned()), place.sub.map(|sub| sub.name().to_owned())];
        Ok(Some(Self { path: extension.into_iter().chain(names.into_iter().flatten()).collect(), descending }))
    }

    /// Resources without a value come last when ascending, first when descending.
    pub(super) fn compare(&self, left: &Value, right: &Value) -> Ordering {
        let order = match (self.key(left), self.key(right)) {
            (Some(left), Some(right)) => left.cmp(&right),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        if self.descending { order.reverse() } else { order }
    }

    /// The value to sort by: of many, the primary one, otherwise the first.
    fn key(&self, resource: &Value) -> Option<Key> {
        let (last, parents) = self.path.split_last()?;
        let within = values(resource, parents);
        let found = values(resource, &self.path);
        let primary = within.iter().flat_map(|value| match value.get(last) {
            Some(Value::Array(values)) => values.as_slice(),
            _ => std::slice::from_ref(*value),
        });
        let primary = primary.filter(|value| is_primary(value)).find_map(|value| value.get(last).or(Some(value)));
        let value = primary.or_else(|| found.first().copied())?;
        let value = value.get("value").unwrap_or(value);
        match value {
            Value::Bool(value) => Some(Key::Flag(*value)),
            Value::Number(number) => Some(Key::Number(number.as_i64()?)),
            Value::String(text) => Some(match as_time(&self.path, text) {
                Some(time) => Key::Time(time),
                None if is_exact(&self.path) => Key::Text(text.clone()),
                None => Key::Text(text.to_lowercase()),
            }),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Flag(bool),
    Number(i64),
    Time(jiff::Timestamp),
    Text(String),
}
