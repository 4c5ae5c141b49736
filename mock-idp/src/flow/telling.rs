//! Which claims about a person are told where, and why one is not. Must not know tokens.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::claims_request::Wanted;
use crate::claims::{is_reserved, person_claims};
use crate::config::{ClaimTarget, Config};
use crate::directory::User;

/// What access tokens say of a person unless the configuration says something else (RFC 9068 §2.2.3.1).
const OF_ACCESS_TOKENS: [&str; 2] = ["roles", "tenant"];

/// What is told of a person at a target, without `sub`. `wanted` is what the client asked for by name.
pub(crate) fn told(
    config: &Config,
    user: &User,
    target: ClaimTarget,
    wanted: Option<&Wanted>,
) -> BTreeMap<String, Value> {
    let mut claims = person_claims(user);
    let asked = |name: &str| is_on_request(config, name) && wanted.is_some_and(|wanted| wanted.has(name, target));
    claims.retain(|name, _| is_told(config, name, target) || asked(name));
    claims
}

fn is_on_request(config: &Config, name: &str) -> bool {
    config.claims.get(name).is_some_and(|targets| targets.contains(&ClaimTarget::OnRequest))
}

/// Whether a claim of this name is told at a target.
pub(crate) fn is_told(config: &Config, name: &str, target: ClaimTarget) -> bool {
    match config.claims.get(name) {
        Some(targets) => targets.contains(&target),
        None => match target {
            ClaimTarget::IdToken | ClaimTarget::Userinfo => true,
            ClaimTarget::AccessToken | ClaimTarget::Introspection => OF_ACCESS_TOKENS.contains(&name),
            ClaimTarget::OnRequest => false,
        },
    }
}

/// Says whether a claim is told, and if not, what to change. `scope` is what was granted, where that matters.
pub(crate) fn explain(config: &Config, user: &User, name: &str, target: ClaimTarget, scope: Option<&str>) -> Value {
    let has_openid = scope.is_none_or(|scope| super::scope::contains(scope, "openid"));
    let needs_openid = matches!(target, ClaimTarget::IdToken | ClaimTarget::Userinfo);
    let value = person_claims(user).remove(name);
    let reason = if is_reserved(name) {
        format!("`{name}` is a claim of the protocol: an attribute of a person cannot set it")
    } else if needs_openid && !has_openid {
        "without the scope `openid` there is neither an ID token nor UserInfo (OpenID Connect Core section 3.1.2.1)"
            .into()
    } else if value.is_none() {
        format!("`{}` has no attribute `{name}` in the directory; add it to the persona", user.id)
    } else if !is_told(config, name, target) {
        let word = serde_json::to_value(target).unwrap_or_default();
        match config.claims.get(name) {
            Some(_) if needs_openid && is_on_request(config, name) => {
                format!("`{name}` is told on request: the client has to ask for it there by the parameter `claims`")
            }
            Some(_) => format!("`claims.{name}` of the configuration does not list {word}"),
            None => format!("`{name}` is told in ID token and UserInfo unless `claims.{name}` lists more: add {word}"),
        }
    } else if !user.active {
        format!("`{}` is not active in the directory, so nothing is told", user.id)
    } else {
        return json!({"claim": name, "told": true, "value": value});
    };
    json!({"claim": name, "told": false, "reason": reason})
}
