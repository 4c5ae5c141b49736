//! Lists of resources: filter and page (RFC 7644 §3.4.2). Must not know what the resources are.

use serde::Deserialize;
use serde_json::{Value, json};

use super::ScimError;
use super::filter::Filter;

/// The longest page.
pub(crate) const LONGEST_PAGE: usize = 1_000;

/// The parameters of a list that we honour.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Query {
    filter: Option<String>,
    /// 1-based; smaller means 1 (RFC 7644 §3.4.2.4).
    #[serde(rename = "startIndex")]
    start_index: Option<i64>,
    /// Negative means 0.
    count: Option<i64>,
}

/// The list response over these resources.
///
/// # Errors
/// `invalidFilter`.
pub(crate) fn response(resources: impl Iterator<Item = Value>, query: &Query) -> Result<Value, ScimError> {
    let filter = query.filter.as_deref().map(Filter::parse).transpose()?;
    let matching = resources.filter(|resource| filter.as_ref().is_none_or(|filter| filter.matches(resource)));
    let matching: Vec<Value> = matching.collect();
    let total = matching.len();
    let start = usize::try_from(query.start_index.unwrap_or(1).max(1)).unwrap_or(usize::MAX);
    let count = query.count.map_or(LONGEST_PAGE, |count| usize::try_from(count).unwrap_or(0)).min(LONGEST_PAGE);
    let page: Vec<Value> = matching.into_iter().skip(start - 1).take(count).collect();
    Ok(json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": page.len(),
        "Resources": page,
    }))
}
