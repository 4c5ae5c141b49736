//! Which scopes a request gets (RFC 6749 §3.3). Must not know what a scope allows.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use crate::config::Client;
use crate::error::{Code, Refused};
use crate::findings::{Leniency, Relaxation};

/// Scopes of the provider itself, which ask who somebody is; no client needs to register them (OpenID Connect Core §5.4, §11).
pub(crate) const IDENTITY: [&str; 3] = ["offline_access", "openid", "profile"];

/// The granted scope for a request: what was asked for, or all that the client registered when nothing was.
///
/// `identity` are the identity scopes that make sense here: there are none without a person.
pub(crate) fn granted(
    requested: Option<&str>,
    (id, client): (&str, &Client),
    identity: &[&str],
    leniency: &Leniency<'_>,
) -> Result<String, Refused> {
    let Some(requested) = requested else { return Ok(client.scopes.join(" ")) };
    let mut granted = BTreeSet::new();
    for scope in split(requested)? {
        if !identity.contains(&scope) && !has_registered(client, scope) {
            leniency.let_through(Relaxation::UnregisteredScope, id, unregistered(scope))?;
        }
        granted.insert(scope);
    }
    Ok(join(granted))
}

/// What was asked for, if the client registered all of it, whatever the mode.
pub(crate) fn registered(requested: &str, client: &Client) -> Result<String, Refused> {
    let asked: BTreeSet<&str> = split(requested)?.into_iter().collect();
    match asked.iter().find(|scope| !has_registered(client, scope)) {
        Some(scope) => Err(unregistered(scope)),
        None => Ok(join(asked)),
    }
}

fn has_registered(client: &Client, scope: &str) -> bool {
    client.scopes.iter().any(|registered| registered == scope)
}

fn unregistered(scope: &str) -> Refused {
    refused(format!("the scope `{scope}` is not registered for this client"))
}

/// The scope of a refreshed token: as before, or less (RFC 6749 §6).
pub(crate) fn narrowed(requested: Option<&str>, original: &str) -> Result<String, Refused> {
    let Some(requested) = requested else { return Ok(original.to_owned()) };
    let mut granted = BTreeSet::new();
    for scope in split(requested)? {
        if !contains(original, scope) {
            return Err(refused(format!("the scope `{scope}` was not part of the original grant")));
        }
        granted.insert(scope);
    }
    Ok(join(granted))
}

/// Whether a granted scope has this one in it.
pub(crate) fn contains(granted: &str, scope: &str) -> bool {
    granted.split(' ').any(|one| one == scope)
}

fn split(text: &str) -> Result<Vec<&str>, Refused> {
    let is_token = |scope: &&str| scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E));
    let scopes: Vec<&str> = text.split(' ').filter(|scope| !scope.is_empty()).collect();
    if scopes.is_empty() || !scopes.iter().all(is_token) {
        return Err(refused("the scope is not a list of scope tokens with a space between"));
    }
    Ok(scopes)
}

fn join(scopes: BTreeSet<&str>) -> String {
    scopes.into_iter().collect::<Vec<_>>().join(" ")
}

fn refused(reason: impl Into<String>) -> Refused {
    Refused::new(Code::InvalidScope, "RFC 6749 section 3.3", reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Mode;
    use crate::findings::Findings;

    fn ask(requested: Option<&str>, identity: &[&str]) -> Result<String, Code> {
        let findings = Findings::new();
        let leniency = Leniency { mode: Mode::Strict, findings: &findings, now: 0 };
        granted(requested, ("web", &client()), identity, &leniency).map_err(|refused| refused.code)
    }

    fn client() -> Client {
        Client { scopes: vec!["orders:read".to_owned(), "orders:write".to_owned()], ..Client::default() }
    }

    #[test]
    fn a_client_gets_what_it_asks_for_if_it_is_registered_or_asks_who_somebody_is() {
        assert_eq!(ask(Some("orders:read openid openid"), &IDENTITY).unwrap(), "openid orders:read");
        assert_eq!(ask(None, &IDENTITY).unwrap(), "orders:read orders:write");
    }

    #[test]
    fn an_unregistered_scope_an_identity_scope_without_a_person_and_junk_are_refused() {
        for (scope, identity) in [("admin", &IDENTITY[..]), ("openid", &[]), ("a\"b", &IDENTITY), ("  ", &IDENTITY)] {
            assert_eq!(ask(Some(scope), identity), Err(Code::InvalidScope), "{scope}");
        }
    }

    #[test]
    fn a_refresh_cannot_widen_the_scope() {
        assert_eq!(narrowed(Some("a"), "a b").unwrap(), "a");
        assert_eq!(narrowed(Some("a c"), "a b").unwrap_err().code, Code::InvalidScope);
    }
}
