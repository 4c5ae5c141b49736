//! Rich authorization requests: what exactly shall be allowed (RFC 9396). Must not know what a type means.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use serde_json::Value;

use super::form::Parameters;
use crate::error::{Code, Refused};

/// The details travel in tokens, and are kept with each grant.
const MAX_LENGTH: usize = 2_048;

/// The details that a request asks for, each of a known type (RFC 9396 §5).
pub(crate) fn requested(types: &[String], parameters: &Parameters) -> Result<Option<Arc<Value>>, Refused> {
    let Some(text) = parameters.get("authorization_details") else { return Ok(None) };
    if text.len() > MAX_LENGTH {
        return Err(refused(format!("`authorization_details` has more than {MAX_LENGTH} bytes")));
    }
    let details: Value =
        serde_json::from_str(text).map_err(|error| refused(format!("`authorization_details` is no JSON: {error}")))?;
    let list = details.as_array().filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| refused("`authorization_details` must be an array with objects in it"))?;
    for detail in list {
        let kind = detail.get("type").and_then(Value::as_str);
        let kind = kind.ok_or_else(|| refused("each of `authorization_details` must be an object with a `type`"))?;
        if !types.iter().any(|known| known == kind) {
            let known = types.join("`, `");
            return Err(refused(format!("the authorization details type `{kind}` is not known; known is `{known}`")));
        }
    }
    Ok(Some(Arc::new(details)))
}

/// The details of a token request: those of the grant, or some of them (RFC 9396 §6.1).
pub(crate) fn narrowed(
    types: &[String],
    parameters: &Parameters,
    granted: Option<&Arc<Value>>,
) -> Result<Option<Arc<Value>>, Refused> {
    let Some(asked) = requested(types, parameters)? else { return Ok(granted.cloned()) };
    let granted = granted.and_then(|details| details.as_array()).map(Vec::as_slice).unwrap_or_default();
    let widens = asked.as_array().is_none_or(|asked| asked.iter().any(|detail| !granted.contains(detail)));
    if widens {
        return Err(refused("a token cannot have `authorization_details` that were not granted"));
    }
    Ok(Some(asked))
}

fn refused(reason: impl Into<String>) -> Refused {
    Refused::new(Code::InvalidAuthorizationDetails, "RFC 9396 section 5", reason)
}
