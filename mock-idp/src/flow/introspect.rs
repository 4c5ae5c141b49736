//! Is this token good, and what does it stand for (RFC 7662 §2.2).
//!
//! Must not know the directory: whether the person is still there is asked between [`inspect`] and [`answer`].
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::{Value, json};

use super::telling::told;
use crate::claims::PresentedClaims;
use crate::config::{ClaimTarget, Config};
use crate::directory::User;
use crate::keys::{KeyRing, TokenType};
use crate::store::{Holder, Key, Kind, Store, TokenRecord};

/// A token that is good as far as the provider itself can tell.
pub(crate) struct Live {
    pub(crate) claims: PresentedClaims,
    pub(crate) record: TokenRecord,
}

impl Live {
    /// The person to ask the directory for; none for a client of its own.
    pub(crate) fn user(&self) -> Option<&str> {
        match self.record.holder {
            Holder::Client => None,
            // The subject as the token says it, not as it was first given: a token minted with another `sub` stands for
            // that one.
            Holder::Grant(_) | Holder::Minted { .. } => Some(&self.claims.sub),
        }
    }
}

/// Recognises an access token of ours that is still good; `None` for everything else, without saying why.
pub(crate) fn inspect(issuer: &str, key: &KeyRing, store: &Store, token: &str, now: i64) -> Option<Live> {
    let (_, record, claims) = recognise(key, store, token, now)?;
    let in_time = now < claims.exp && claims.nbf.is_none_or(|not_before| not_before <= now);
    (claims.iss == issuer && in_time && store.is_live(&record, now)).then_some(Live { claims, record })
}

/// Finds the record of a token that is really ours, dead or alive.
pub(crate) fn recognise(
    key: &KeyRing,
    store: &Store,
    token: &str,
    now: i64,
) -> Option<(Key, TokenRecord, PresentedClaims)> {
    if token.contains('.') {
        let payload = key.verify(token, TokenType::Access)?;
        let claims: PresentedClaims = serde_json::from_slice(&payload).ok()?;
        let name = Key::of(Kind::TokenIdentifier, &claims.jti);
        let record = store.tokens.find(name, now)?;
        return Some((name, record, claims));
    }
    let name = Key::of(Kind::OpaqueToken, token);
    let record = store.tokens.find(name, now)?;
    let claims = record.claims.as_deref()?.clone();
    Some((name, record, claims))
}

/// The whole answer for a token that is not good (RFC 7662 §2.2: nothing more may be said).
pub(crate) fn inactive() -> Value {
    json!({ "active": false })
}

/// The answer for a good token, with what the directory says of the person now.
pub(crate) fn answer(config: &Config, live: &Live, user: Option<&User>) -> Value {
    let mut answer = serde_json::to_value(&live.claims).unwrap_or_else(|_| inactive());
    if let Value::Object(members) = &mut answer {
        members.insert("active".to_owned(), Value::Bool(true));
        members.insert("token_type".to_owned(), Value::from(if live.claims.cnf.is_some() { "DPoP" } else { "Bearer" }));
        if let Some(user) = user {
            // Without a tenant in the directory there is none: what the token says is what was true when it was issued.
            members.remove("tenant");
            members.extend(told(config, user, ClaimTarget::Introspection, None));
            members.insert("username".to_owned(), Value::from(user.id.as_str()));
        }
    }
    answer
}
