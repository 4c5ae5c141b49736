//! Lists of resources: filter, sort, page, project (RFC 7644 §3.4.2, §3.4.3). Must not know what the resources are.

use serde::Deserialize;
use serde_json::{Value, json};

use super::filter::Filter;
use super::projection::Projection;
use super::schema::ResourceType;
use super::sort::Order;
use super::{ScimError, ScimType, attribute};

/// The longest page.
pub(crate) const LONGEST_PAGE: usize = 1_000;

/// What is asked for, in the parameters of a URL; the lists are separated by commas.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Query {
    pub(crate) filter: Option<String>,
    /// 1-based; smaller means 1 (RFC 7644 §3.4.2.4).
    #[serde(rename = "startIndex")]
    start_index: Option<i64>,
    /// Negative means 0.
    count: Option<i64>,
    #[serde(rename = "sortBy")]
    sort_by: Option<String>,
    #[serde(rename = "sortOrder")]
    sort_order: Option<String>,
    #[serde(default, deserialize_with = "names")]
    attributes: Vec<String>,
    #[serde(default, rename = "excludedAttributes", deserialize_with = "names")]
    excluded_attributes: Vec<String>,
}

impl Query {
    /// The body of a POST to `.search` (RFC 7644 §3.4.3).
    ///
    /// # Errors
    /// `invalidSyntax` for what is no search request, `invalidValue` for a parameter of a wrong type.
    pub(crate) fn from_json(body: &Value) -> Result<Self, ScimError> {
        const URN: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
        let wrong =
            |name: &str| ScimError::new(ScimType::InvalidValue, format!("`{name}` has a value of a wrong type"));
        let Some(body) = body.as_object() else {
            return Err(ScimError::new(ScimType::InvalidSyntax, "the body must be an object"));
        };
        let schemas = attribute(body, "schemas").and_then(Value::as_array);
        if !schemas.is_some_and(|schemas| schemas.iter().any(|schema| schema == URN)) {
            return Err(ScimError::new(ScimType::InvalidSyntax, format!("`schemas` must hold `{URN}`")));
        }
        let given = |name: &str| attribute(body, name).filter(|value| !value.is_null());
        let text = |name: &str| match given(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(wrong(name)),
        };
        let number = |name: &str| given(name).map(|value| value.as_i64().ok_or_else(|| wrong(name))).transpose();
        let list = |name: &str| match given(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(names)) => names
                .iter()
                .map(|name| name.as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .ok_or_else(|| wrong(name)),
            Some(_) => Err(wrong(name)),
        };
        Ok(Self {
            filter: text("filter")?,
            start_index: number("startIndex")?,
            count: number("count")?,
            sort_by: text("sortBy")?,
            sort_order: text("sortOrder")?,
            attributes: list("attributes")?,
            excluded_attributes: list("excludedAttributes")?,
        })
    }

    /// Which part of each resource is asked for.
    ///
    /// # Errors
    /// `invalidValue`.
    pub(crate) fn projection(&self, kind: &ResourceType) -> Result<Projection, ScimError> {
        Projection::new(kind, &self.attributes, &self.excluded_attributes)
    }
}

/// The list response over resources of some kinds; each comes with its kind.
///
/// # Errors
/// `invalidFilter`, `invalidPath` or `invalidValue`.
pub(crate) fn response(
    resources: impl Iterator<Item = (&'static ResourceType, Value)>,
    kinds: &[&'static ResourceType],
    query: &Query,
) -> Result<Value, ScimError> {
    let filter = query.filter.as_deref().map(Filter::parse).transpose()?;
    let order = Order::new(kinds, query.sort_by.as_deref(), query.sort_order.as_deref())?;
    let projections: Vec<_> = kinds.iter().map(|kind| query.projection(kind)).collect::<Result<_, _>>()?;
    let mut matching: Vec<_> =
        resources.filter(|(_, resource)| filter.as_ref().is_none_or(|filter| filter.matches(resource))).collect();
    if let Some(order) = order {
        matching.sort_by(|(_, left), (_, right)| order.compare(left, right));
    }
    let project = |(kind, resource): (&'static ResourceType, Value)| {
        let known = kinds.iter().position(|known| std::ptr::eq(*known, kind));
        match known.and_then(|index| projections.get(index)) {
            Some(projection) => projection.of(resource),
            None => resource,
        }
    };
    let (total, start, count) = (matching.len(), query.start(), query.count());
    Ok(page(matching.into_iter().skip(start - 1).take(count).map(project).collect(), total, start))
}

/// A list response over things that no filter applies to.
pub(crate) fn everything(resources: Vec<Value>) -> Value {
    let total = resources.len();
    page(resources, total, 1)
}

impl Query {
    fn start(&self) -> usize {
        usize::try_from(self.start_index.unwrap_or(1).max(1)).unwrap_or(usize::MAX)
    }

    fn count(&self) -> usize {
        self.count.map_or(LONGEST_PAGE, |count| usize::try_from(count).unwrap_or(0)).min(LONGEST_PAGE)
    }
}

fn page(resources: Vec<Value>, total: usize, start: usize) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

fn names<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}
