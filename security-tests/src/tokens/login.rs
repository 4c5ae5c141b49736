//! Tokens that an API gave at its own login: kept by actor, signed anew with the team's key, forged. Must not know
//! requests.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::{Change, Mint};
use crate::exchange::NoAnswer;
use crate::login::{Hmac, SigningKey};

/// A token is renewed this long before it expires, so that no request carries one that ends on its way.
const MARGIN: Duration = Duration::from_secs(10);
/// What tokens for access call themselves in a claim about their kind.
const ACCESS_KINDS: [&str; 8] =
    ["access", "access_token", "access-token", "at+jwt", "auth", "bearer", "session", "login"];

/// The tokens of all actors.
pub(crate) struct LoginTokens {
    key: Option<SigningKey>,
    held: Mutex<BTreeMap<String, Result<String, String>>>,
}

impl LoginTokens {
    pub(crate) fn new(key: Option<SigningKey>) -> Self {
        Self { key, held: Mutex::default() }
    }

    /// Keeps what a login brought: a token, or why there is none.
    pub(crate) fn keep(&self, actor: &str, token: Result<String, String>) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(actor.to_owned(), token);
    }

    /// Says why an actor has no token.
    pub(crate) fn explain(&self, actor: &str, why: &str) {
        if let Some(Err(reason)) = self.held.lock().unwrap_or_else(PoisonError::into_inner).get_mut(actor) {
            *reason = format!("{why}, and {reason}");
        }
    }

    /// What the last login of an actor brought; nothing before the first.
    pub(crate) fn held(&self, actor: &str) -> Option<Result<String, NoAnswer>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).get(actor).cloned()?;
        Some(held.map_err(|reason| NoAnswer::NotSent(format!("no token for `{actor}`: {reason}"))))
    }

    /// Whether tokens of different personas have the same `sub`: then it does not say whose a token is.
    fn sub_names_nobody(&self, actor: &str, claims: &Map<String, Value>) -> bool {
        let persona = |actor: &str| actor.split('+').next().unwrap_or_default().to_owned();
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let others = held.iter().filter(|(name, _)| persona(name) != persona(actor));
        let mut claims_of_others =
            others.filter_map(|(_, token)| decode(token.as_ref().ok()?)).map(|(_, claims)| claims);
        claims_of_others.any(|others| others.get("sub").is_some() && others.get("sub") == claims.get("sub"))
    }

    /// The token again with other contents, signed with the team's key.
    pub(crate) fn mint(&self, (actor, token): (&str, &str), identity: &str, mint: &Mint) -> Result<String, NoAnswer> {
        let not_applicable = |reason: &str| NoAnswer::NotApplicable(reason.to_owned());
        let (header, mut claims) = decode(token).ok_or_else(|| not_applicable("tokens are opaque"))?;
        if mint.other_key && mint.claims.is_empty() {
            let algorithm = header.get("alg").and_then(Value::as_str).and_then(Hmac::parse);
            let algorithm = algorithm.ok_or_else(|| not_applicable("the token is not signed with a shared key"))?;
            return sign(&header, &claims, algorithm, &random()?);
        }
        let key = self.key.as_ref().ok_or_else(|| not_applicable("`login.key` does not give the signing key"))?;
        if mint.claims.contains_key("sub") && self.sub_names_nobody(actor, &claims) {
            return Err(not_applicable("`sub` does not say whose a token is"));
        }
        let before = claims.clone();
        claims.extend(mint.claims.clone());
        if !mint.claims.is_empty() && claims == before {
            return Err(not_applicable("it changes nothing in this token"));
        }
        if let Some(seconds) = mint.lifetime_seconds {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            claims.insert("exp".to_owned(), json!(i64::try_from(now).unwrap_or(i64::MAX).saturating_add(seconds)));
        }
        match mint.change {
            Some(Change::Kind) => change_kind(&mut claims).map_err(not_applicable)?,
            Some(Change::Subject) => change_subject(&mut claims, identity).map_err(not_applicable)?,
            None => {}
        }
        sign(&header, &claims, key.algorithm, key.secret.expose().as_bytes())
    }
}

/// Whether a token says itself that it has expired, or will before it arrives (RFC 7519 §4.1.4).
pub(crate) fn has_expired(token: &str) -> bool {
    let expires = decode(token).and_then(|(_, claims)| claims.get("exp").and_then(Value::as_u64));
    let soon = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + MARGIN;
    expires.is_some_and(|expires| expires <= soon.as_secs())
}

fn decode(token: &str) -> Option<(Map<String, Value>, Map<String, Value>)> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, _] = parts.as_slice() else { return None };
    let part = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
    Some((part(header)?, part(payload)?))
}

fn sign(
    header: &Map<String, Value>,
    claims: &Map<String, Value>,
    algorithm: Hmac,
    key: &[u8],
) -> Result<String, NoAnswer> {
    let mut header = header.clone();
    header.insert("alg".to_owned(), json!(algorithm.as_str()));
    let part = |part: &Map<String, Value>| serde_json::to_vec(part).map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    let failed = |_| NoAnswer::NotSent("cannot write a token".to_owned());
    let message = format!("{}.{}", part(&header).map_err(failed)?, part(claims).map_err(failed)?);
    let hash = match algorithm {
        Hmac::Hs256 => hmac::HMAC_SHA256,
        Hmac::Hs384 => hmac::HMAC_SHA384,
        Hmac::Hs512 => hmac::HMAC_SHA512,
    };
    let tag = hmac::sign(&hmac::Key::new(hash, key), message.as_bytes());
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref())))
}

fn random() -> Result<[u8; 32], NoAnswer> {
    let mut key = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| NoAnswer::NotSent("there is no randomness".to_owned()))?;
    Ok(key)
}

/// A token for access becomes one for refreshing, wherever a claim says of which kind it is.
fn change_kind(claims: &mut Map<String, Value>) -> Result<(), &'static str> {
    let is_kind = |value: &Value| value.as_str().is_some_and(|text| ACCESS_KINDS.contains(&text));
    let kinds: Vec<&mut Value> = claims.values_mut().filter(|value| is_kind(value)).collect();
    if kinds.is_empty() {
        return Err("tokens do not say of which kind they are");
    }
    kinds.into_iter().for_each(|kind| *kind = json!("refresh"));
    Ok(())
}

/// The token's owner becomes somebody whom nobody knows.
fn change_subject(claims: &mut Map<String, Value>, identity: &str) -> Result<(), &'static str> {
    let subjects: Vec<&mut Value> = claims.values_mut().filter(|value| value.as_str() == Some(identity)).collect();
    if !subjects.is_empty() {
        subjects.into_iter().for_each(|subject| *subject = json!("devenv-nobody"));
        return Ok(());
    }
    match claims.get_mut("sub") {
        Some(Value::String(subject)) if !ACCESS_KINDS.contains(&subject.as_str()) => {
            *subject = "devenv-nobody".to_owned();
            Ok(())
        }
        Some(subject @ Value::Number(_)) => {
            *subject = json!(2_147_483_600);
            Ok(())
        }
        _ => Err("the token does not name its owner in a way that could be changed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    /// A token as an API with the key `k` signs it.
    fn token(claims: Value) -> String {
        sign(json!({"typ": "JWT"}).as_object().unwrap(), claims.as_object().unwrap(), Hmac::Hs256, b"k").unwrap()
    }

    fn minted(claims: Value, mint: &Mint) -> Result<Map<String, Value>, NoAnswer> {
        let tokens = LoginTokens::new(Some(SigningKey { algorithm: Hmac::Hs256, secret: Secret::new("k") }));
        let token = tokens.mint(("alice", &token(claims)), "alice7", mint)?;
        let (_, claims) = decode(&token).unwrap();
        assert_eq!(token, self::token(Value::Object(claims.clone())), "signed with the key");
        Ok(claims)
    }

    #[test]
    fn the_teams_key_signs_expired_unknown_and_mistaken_tokens() {
        let claims = json!({"username": "alice7", "sub": "access", "exp": 1_u64 << 40});
        let expired = minted(claims.clone(), &Mint { lifetime_seconds: Some(-60), ..Mint::default() }).unwrap();
        assert!(expired["exp"].as_u64().unwrap() < 1 << 40 && expired["username"] == "alice7");
        let kind = minted(claims.clone(), &Mint { change: Some(Change::Kind), ..Mint::default() }).unwrap();
        assert_eq!((&kind["sub"], &kind["username"]), (&json!("refresh"), &json!("alice7")));
        let subject = minted(claims, &Mint { change: Some(Change::Subject), ..Mint::default() }).unwrap();
        assert_eq!((&subject["sub"], &subject["username"]), (&json!("access"), &json!("devenv-nobody")));
    }

    #[test]
    fn what_cannot_be_made_says_why() {
        let without_kind = minted(json!({"sub": "alice7"}), &Mint { change: Some(Change::Kind), ..Mint::default() });
        let reason = "tokens do not say of which kind they are".to_owned();
        assert_eq!(without_kind, Err(NoAnswer::NotApplicable(reason)));
        let keyless = LoginTokens::new(None);
        let expired = Mint { lifetime_seconds: Some(-60), ..Mint::default() };
        let expected = NoAnswer::NotApplicable("`login.key` does not give the signing key".into());
        assert_eq!(keyless.mint(("alice", &token(json!({}))), "alice7", &expired), Err(expected));
        let other_key = Mint { other_key: true, ..Mint::default() };
        assert_ne!(keyless.mint(("alice", &token(json!({}))), "alice7", &other_key).unwrap(), token(json!({})));
    }

    #[test]
    fn a_subject_that_all_tokens_share_is_not_changed() {
        let tokens = LoginTokens::new(Some(SigningKey { algorithm: Hmac::Hs256, secret: Secret::new("k") }));
        let own = token(json!({"sub": "access", "username": "alice7"}));
        let mint = Mint { claims: Map::from_iter([("sub".to_owned(), json!("bob7"))]), ..Mint::default() };
        tokens.keep("alice", Ok(own.clone()));
        tokens.keep("alice+1", Ok(own.clone()));
        assert!(tokens.mint(("alice", &own), "alice7", &mint).is_ok(), "another token of the same persona");
        tokens.keep("bob", Ok(token(json!({"sub": "access", "username": "bob7"}))));
        let expected = NoAnswer::NotApplicable("`sub` does not say whose a token is".into());
        assert_eq!(tokens.mint(("alice", &own), "alice7", &mint), Err(expected));
    }

    #[test]
    fn a_token_that_is_about_to_expire_has_expired() {
        assert!(has_expired(&token(json!({"exp": 1}))) && !has_expired(&token(json!({"exp": 1_u64 << 40}))));
        assert!(!has_expired("opaque"));
    }
}
