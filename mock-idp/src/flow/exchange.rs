//! Token exchange: may this client turn this token into one for somebody else (RFC 8693).
//!
//! Must not know how tokens are recognised or made. Whatever the configuration of the client does not name is refused.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client::Authenticated;
use super::form::Parameters;
use super::scope;
use crate::claims::PresentedClaims;
use crate::config::TokenExchange;
use crate::error::{Code, Refused};

/// The only kinds of token that are taken and given (RFC 8693 §3).
pub(crate) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
pub(crate) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// An `act` chain that is longer is a loop.
const MAX_DEPTH: usize = 8;

/// What the exchange brings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exchanged {
    pub(crate) audience: Vec<String>,
    pub(crate) scope: String,
    /// The `act` claim: who acts, and who acted before (RFC 8693 §4.1).
    pub(crate) actor: Option<Value>,
    pub(crate) issued_token_type: &'static str,
}

/// Refuses token types that are not known here, before any token is looked at.
pub(crate) fn check_types(parameters: &Parameters, opaque: bool) -> Result<&'static str, Refused> {
    let known = |name: &'static str| match (parameters.get(name), opaque) {
        (Some(ACCESS_TOKEN), _) | (Some(JWT), false) => Ok(()),
        (Some(other), _) => Err(invalid(format!(
            "`{name}` is `{other}`; only access tokens of this provider can be exchanged: {ACCESS_TOKEN}"
        ))),
        (None, _) => Err(invalid(format!("the parameter `{name}` is missing"))),
    };
    known("subject_token_type")?;
    match (parameters.get("actor_token"), parameters.get("actor_token_type")) {
        (Some(_), _) => known("actor_token_type")?,
        (None, Some(_)) => return Err(invalid("`actor_token_type` needs an `actor_token`")),
        (None, None) => {}
    }
    match (parameters.get("requested_token_type"), opaque) {
        (None | Some(ACCESS_TOKEN), _) => Ok(ACCESS_TOKEN),
        (Some(JWT), false) => Ok(JWT),
        (Some(other), _) => {
            Err(invalid(format!("`requested_token_type` `{other}` cannot be issued, only {ACCESS_TOKEN}")))
        }
    }
}

/// Decides an exchange of a live subject token, with a live actor token or without one.
pub(crate) fn decide(
    client: &Authenticated,
    parameters: &Parameters,
    subject: &PresentedClaims,
    actor: Option<&PresentedClaims>,
    issued_token_type: &'static str,
) -> Result<Exchanged, Refused> {
    let id = &client.id;
    let rules = client.client.token_exchange.as_ref().ok_or_else(|| {
        let reason = format!("the client `{id}` has no `token_exchange` rules, so nothing may be exchanged");
        Refused::new(Code::UnauthorizedClient, "RFC 8693 section 2.1", reason)
    })?;
    let held = *subject.client_id == **id
        || subject.aud.names().any(|name| *name == **id || rules.subject_audiences.iter().any(|own| own == name));
    if !held {
        // Stops a service from using tokens that were meant for another one.
        let reason = format!("the subject token is for another audience and was not issued to the client `{id}`");
        return Err(invalid(reason));
    }
    Ok(Exchanged {
        audience: audience(rules, parameters)?,
        scope: granted(client, rules, parameters.get("scope"), subject)?,
        actor: acting(client, rules, subject, actor)?,
        issued_token_type,
    })
}

fn audience(rules: &TokenExchange, parameters: &Parameters) -> Result<Vec<String>, Refused> {
    let target = |reason: String| Refused::new(Code::InvalidTarget, "RFC 8693 section 2.2.2", reason);
    let asked: BTreeSet<&String> = parameters.all("audience").iter().chain(parameters.all("resource")).collect();
    if let Some(name) = asked.iter().find(|name| !rules.audiences.contains(**name)) {
        let allowed = rules.audiences.join("`, `");
        return Err(target(format!("the client may not get tokens for `{name}`; allowed is `{allowed}`")));
    }
    match (asked.is_empty(), rules.audiences.as_slice()) {
        (false, _) => Ok(asked.into_iter().cloned().collect()),
        (true, [only]) => Ok(vec![only.clone()]),
        (true, _) => Err(target("the request names no `audience` or `resource`".to_owned())),
    }
}

/// No more than the subject token allows, except what the configuration lets the exchange add.
fn granted(
    client: &Authenticated,
    rules: &TokenExchange,
    asked: Option<&str>,
    subject: &PresentedClaims,
) -> Result<String, Refused> {
    let had = subject.scope.as_deref().unwrap_or_default();
    let may = |name: &str| {
        let registered = client.client.scopes.iter().any(|own| own == name);
        registered && (scope::contains(had, name) || rules.added_scopes.iter().any(|added| added == name))
    };
    let Some(asked) = asked else {
        return Ok(had.split(' ').filter(|name| may(name)).collect::<Vec<_>>().join(" "));
    };
    let all = scope::registered(asked, &client.client)?;
    match all.split(' ').find(|name| !may(name)) {
        None => Ok(all),
        Some(name) => {
            let reason = format!("the scope `{name}` is not in the subject token, and the exchange may not add it");
            Err(Refused::new(Code::InvalidScope, "RFC 8693 section 2.1", reason))
        }
    }
}

/// The `act` claim. Who acted before stays in it, also when somebody impersonates: the chain is the evidence.
fn acting(
    client: &Authenticated,
    rules: &TokenExchange,
    subject: &PresentedClaims,
    actor: Option<&PresentedClaims>,
) -> Result<Option<Value>, Refused> {
    let denied = |reason: String| Err(Refused::new(Code::InvalidRequest, "RFC 8693 section 2.1", reason));
    let Some(actor) = actor else {
        if rules.impersonation {
            return Ok(subject.act.clone());
        }
        return denied("there is no `actor_token`, and the client may not impersonate anybody without one".to_owned());
    };
    if *actor.client_id != *client.id {
        return denied("the actor token was issued to another client".to_owned());
    }
    if !rules.actors.contains(&actor.sub) {
        return denied(format!("`{}` may not act for others through this client", actor.sub));
    }
    // RFC 8693 §4.4: the subject token itself can say who may act.
    if let Some(may_act) = &subject.may_act
        && may_act.get("sub").and_then(Value::as_str) != Some(actor.sub.as_str())
    {
        return denied(format!("the subject token does not name `{}` as somebody who may act (`may_act`)", actor.sub));
    }
    let mut act = json!({ "sub": actor.sub });
    if let (Some(members), Some(before)) = (act.as_object_mut(), &subject.act) {
        if depth(before) >= MAX_DEPTH {
            return denied(format!("more than {MAX_DEPTH} actors stand in line"));
        }
        members.insert("act".to_owned(), before.clone());
    }
    Ok(Some(act))
}

fn depth(act: &Value) -> usize {
    std::iter::successors(Some(act), |act| act.get("act")).take(MAX_DEPTH + 1).count()
}

fn invalid(reason: impl Into<String>) -> Refused {
    Refused::new(Code::InvalidRequest, "RFC 8693 section 2.1", reason)
}
