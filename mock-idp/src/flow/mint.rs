//! An access token made to order by the control API, good or broken in exactly the way that was asked for.
//!
//! Must not know who may ask.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::authorize::Front;
use super::broken::Broken;
use super::issue::{audience, lifetime};
use crate::claims::{AccessClaims, Audience, PresentedClaims};
use crate::config::Grant;
use crate::directory::User;
use crate::error::{Code, Refused};
use crate::jws;
use crate::keys::{Algorithm, SigningFailed, SigningKey, TokenType};

/// The order, as `docs/wire.md` has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MintRequest {
    pub(crate) persona: String,
    #[serde(default)]
    pub(crate) client_id: Option<String>,
    #[serde(default)]
    pub(crate) audience: Option<String>,
    #[serde(default)]
    pub(crate) scope: Option<String>,
    #[serde(default)]
    pub(crate) lifetime_seconds: Option<i64>,
    #[serde(default)]
    pub(crate) claims: Map<String, Value>,
    /// The text of the claims set as it is signed, in place of `claims`: what no JSON library writes.
    #[serde(default)]
    pub(crate) payload: Option<String>,
    #[serde(default)]
    pub(crate) header: Map<String, Value>,
    #[serde(default)]
    pub(crate) signature: Signature,
    /// What signs, if not the standard algorithm.
    #[serde(default)]
    pub(crate) alg: Option<Algorithm>,
    /// Breaks the token in a named way.
    #[serde(default)]
    pub(crate) broken: Option<Broken>,
}

/// Who signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Signature {
    /// The published key.
    #[default]
    Valid,
    /// A key that is not published, under the published key's name.
    OtherKey,
}

/// A token on paper: everything but the signature.
pub(crate) struct Draft {
    pub(crate) client_id: String,
    pub(crate) claims: Value,
    /// What is signed in place of the claims.
    pub(crate) payload: Option<String>,
    pub(crate) header: Map<String, Value>,
    pub(crate) signature: Signature,
    pub(crate) algorithm: Option<Algorithm>,
    /// What introspection will know the token by: the `jti` it carries, or would have carried.
    pub(crate) token_id: String,
    /// From now, negative for a token that is over already.
    pub(crate) expires_in: i64,
    /// Until when it is remembered.
    pub(crate) deadline: i64,
}

/// Writes the usual claims of a granted token and then what was ordered over them.
pub(crate) fn draft(front: Front<'_>, request: MintRequest, user: &User, token_id: String) -> Result<Draft, Refused> {
    let (config, now) = (front.config, front.leniency.now);
    check_payload(&request)?;
    let client_id = client(front, request.client_id)?;
    let scopes = || front.clients.find(&client_id, now).map(|found| found.client.scopes.join(" ")).unwrap_or_default();
    let scope = request.scope.unwrap_or_else(scopes);
    let usual_lifetime = lifetime(&config.access_token);
    let expires_in = request.lifetime_seconds.unwrap_or(usual_lifetime);
    let exp = now.saturating_add(expires_in);
    // A token that is over was issued before that: its age is its one defect.
    let iat = if exp > now { now } else { exp.saturating_sub(usual_lifetime.max(1)) };
    let aud = Audience::One(request.audience.unwrap_or_else(|| audience(config).to_owned()));
    let usual = AccessClaims {
        iss: &config.issuer,
        sub: &user.id,
        aud: &aud,
        exp,
        iat,
        jti: &token_id,
        client_id: &client_id,
        scope: &scope,
        tenant: user.tenant.as_deref(),
        roles: Some(&user.roles),
        auth_time: None,
        acr: None,
        cnf: None,
        act: None,
        authorization_details: None,
        person: BTreeMap::new(),
    };
    let claims = serde_json::to_value(usual).map_err(Refused::internal)?;
    let written = request.payload.as_deref().and_then(|text| serde_json::from_str(text).ok());
    // Of a doubled member the last one counts here, as for most readers; a text that is no JSON is known by nothing.
    let claims = written.unwrap_or_else(|| overridden(claims, request.claims));
    let token_id = claims.get("jti").and_then(Value::as_str).map_or(token_id, str::to_owned);
    let deadline = claims.get("exp").and_then(Value::as_i64).unwrap_or(exp);
    Ok(Draft {
        claims,
        payload: request.payload,
        header: request.header,
        signature: request.signature,
        algorithm: request.alg,
        client_id,
        token_id,
        expires_in,
        deadline,
    })
}

/// Signs a draft. `other_key` is taken where the draft asks for it.
pub(crate) fn sign(draft: &Draft, key: &SigningKey, other_key: &SigningKey) -> Result<String, SigningFailed> {
    let signer = match draft.signature {
        Signature::Valid => key,
        Signature::OtherKey => other_key,
    };
    let usual = json!({"typ": TokenType::Access.as_str(), "alg": key.algorithm().as_str(), "kid": key.key_id()});
    let header = overridden(usual, draft.header.clone());
    match &draft.payload {
        Some(text) => signer.sign_parts(&jws::encode(header.to_string()), text.as_bytes()),
        None => signer.sign_with_header(&header, &draft.claims),
    }
}

/// A text says all claims itself, so nothing else can say some of them.
fn check_payload(request: &MintRequest) -> Result<(), Refused> {
    if request.payload.is_some() && (!request.claims.is_empty() || request.broken.is_some()) {
        let reason = "`payload` is the whole claims set: leave out `claims` and `broken`";
        return Err(Refused::new(Code::InvalidRequest, "control API", reason));
    }
    Ok(())
}

/// What an opaque token stands for, if the ordered claims are such that it can stand for anything.
pub(crate) fn opaque_claims(draft: &Draft) -> Option<PresentedClaims> {
    serde_json::from_value(draft.claims.clone()).ok()
}

/// Members set over the usual ones; `null` removes.
fn overridden(usual: Value, over: Map<String, Value>) -> Value {
    let Value::Object(mut members) = usual else { return usual };
    for (name, value) in over {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    Value::Object(members)
}

fn client(front: Front<'_>, asked: Option<String>) -> Result<String, Refused> {
    let config = front.config;
    if let Some(id) = asked {
        return if front.clients.find(&id, front.leniency.now).is_some() {
            Ok(id)
        } else {
            let reason = format!("there is no client `{id}`; set the claim `client_id` to name one that is not there");
            Err(Refused::new(Code::InvalidRequest, "control API", reason))
        };
    }
    let with_people = config.clients.iter().find(|(_, client)| client.grants.contains(&Grant::AuthorizationCode));
    let usual = with_people.or_else(|| config.clients.iter().next());
    Ok(usual.map_or_else(|| "devenv".to_owned(), |(id, _)| id.clone()))
}
