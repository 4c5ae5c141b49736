//! Whom a token is for (RFC 8707). Must not know how it is made.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use super::form::Parameters;
use super::scope;
use crate::config::{Client, Config};
use crate::error::{Code, Refused};

/// Enough for any request; the list is kept with each token.
const MAX: usize = 8;

/// The resources that a request names, each of which must be known and allowed to the client.
pub(crate) fn requested(config: &Config, client: &Client, parameters: &Parameters) -> Result<Vec<String>, Refused> {
    let names: BTreeSet<&String> = parameters.all("resource").iter().collect();
    if names.len() > MAX {
        return Err(refused(format!("more than {MAX} resources are asked for at once")));
    }
    for name in &names {
        if !config.resources.contains_key(*name) {
            let known = config.resources.keys().map(String::as_str).collect::<Vec<_>>().join("`, `");
            return Err(refused(format!("the resource `{name}` is not known here; known is `{known}`")));
        }
        if !client.resources.is_empty() && !client.resources.contains(*name) {
            return Err(refused(format!("the client may not ask tokens for the resource `{name}`")));
        }
    }
    Ok(names.into_iter().cloned().collect())
}

/// The resources of a token request: those of the grant, or fewer (RFC 8707 §2.2).
pub(crate) fn narrowed(
    config: &Config,
    client: &Client,
    parameters: &Parameters,
    granted: &[String],
) -> Result<Vec<String>, Refused> {
    let asked = requested(config, client, parameters)?;
    if asked.is_empty() {
        return Ok(granted.to_vec());
    }
    match asked.iter().find(|name| !granted.is_empty() && !granted.contains(name)) {
        Some(name) => Err(refused(format!("the resource `{name}` was not part of the original grant"))),
        None => Ok(asked),
    }
}

/// The scope that means something to these resources: no token carries a permission for somebody else.
pub(crate) fn scope_for(config: &Config, resources: &[String], granted: &str) -> String {
    let known: Vec<_> = resources.iter().filter_map(|name| config.resources.get(name)).collect();
    if known.iter().any(|resource| resource.scopes.is_empty()) || known.is_empty() {
        return granted.to_owned();
    }
    let means_something = |scope: &&str| {
        scope::IDENTITY.contains(scope) || known.iter().any(|resource| resource.scopes.iter().any(|own| own == scope))
    };
    granted.split(' ').filter(means_something).collect::<Vec<_>>().join(" ")
}

fn refused(reason: impl Into<String>) -> Refused {
    Refused::new(Code::InvalidTarget, "RFC 8707 section 2", reason)
}
