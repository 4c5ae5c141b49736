//! What the tokens say. Must not know how they are signed or stored.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::directory::User;

/// An access token as we write it (RFC 9068 §2.2), with the persona's tenant and roles at issue time.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AccessClaims<'a> {
    pub(crate) iss: &'a str,
    pub(crate) sub: &'a str,
    pub(crate) aud: &'a Audience,
    pub(crate) exp: i64,
    pub(crate) iat: i64,
    pub(crate) jti: &'a str,
    pub(crate) client_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) roles: Option<&'a [String]>,
    /// When the person logged in, and how strongly (RFC 9068 §2.2.1, RFC 9470 §6.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) acr: Option<&'a str>,
    /// The key whose holder may use the token (RFC 9449 §6.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cnf: Option<Confirmation<'a>>,
    /// Who acts for the subject (RFC 8693 §4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) act: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authorization_details: Option<&'a Value>,
    #[serde(flatten)]
    pub(crate) person: BTreeMap<String, Value>,
}

/// The `cnf` claim (RFC 7800 §3.1) with a key's thumbprint.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Confirmation<'a> {
    pub(crate) jkt: &'a str,
}

/// An access token as we read it back. Tenant and roles are not read: introspection asks the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PresentedClaims {
    pub(crate) iss: String,
    pub(crate) sub: String,
    pub(crate) aud: Audience,
    pub(crate) exp: i64,
    pub(crate) iat: i64,
    pub(crate) jti: String,
    pub(crate) client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nbf: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auth_time: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) acr: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cnf: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) act: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) may_act: Option<Value>,
    /// Shared with the grant: an opaque token must not cost a copy.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_shared",
        deserialize_with = "read_shared"
    )]
    pub(crate) authorization_details: Option<Arc<Value>>,
}

fn write_shared<S: Serializer>(value: &Option<Arc<Value>>, serializer: S) -> Result<S::Ok, S::Error> {
    value.as_deref().serialize(serializer)
}

fn read_shared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Arc<Value>>, D::Error> {
    Option::<Value>::deserialize(deserializer).map(|value| value.map(Arc::new))
}

impl PresentedClaims {
    /// The thumbprint of the key that the token is bound to. A binding of another kind is one that nobody can meet here.
    pub(crate) fn bound_key(&self) -> Option<&str> {
        self.cnf.as_ref().map(|cnf| cnf.get("jkt").and_then(Value::as_str).unwrap_or_default())
    }
}

/// `aud` is one string or several (RFC 7519 §4.1.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    /// One as a string, several as a list; without any, the fallback.
    pub(crate) fn of(names: &[String], fallback: &str) -> Self {
        match names {
            [] => Self::One(fallback.to_owned()),
            [one] => Self::One(one.clone()),
            many => Self::Many(many.to_vec()),
        }
    }

    /// Each name.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        match self {
            Self::One(name) => std::slice::from_ref(name).iter(),
            Self::Many(names) => names.iter(),
        }
    }
}

/// An ID token (OpenID Connect Core §2).
#[derive(Clone, Debug, Serialize)]
pub(crate) struct IdClaims<'a> {
    pub(crate) iss: &'a str,
    pub(crate) sub: &'a str,
    pub(crate) aud: &'a str,
    pub(crate) exp: i64,
    pub(crate) iat: i64,
    pub(crate) auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) acr: Option<&'a str>,
    pub(crate) sid: &'a str,
    pub(crate) amr: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) c_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nonce: Option<&'a str>,
    #[serde(flatten)]
    pub(crate) person: BTreeMap<String, Value>,
}

/// Claims that a person's attributes must not stand in for: a directory entry is no protocol statement.
const RESERVED: [&str; 23] = [
    "acr",
    "act",
    "active",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "authorization_details",
    "azp",
    "c_hash",
    "client_id",
    "cnf",
    "exp",
    "iat",
    "iss",
    "jti",
    "may_act",
    "nbf",
    "nonce",
    "scope",
    "sid",
    "sub",
    "token_type",
];

/// Whether a claim belongs to the protocol.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// What the provider says about a person to a client: name, tenant, roles and attributes, without `sub`.
pub(crate) fn person_claims(user: &User) -> BTreeMap<String, Value> {
    let mut claims: BTreeMap<String, Value> = user
        .attributes
        .iter()
        .filter(|(name, _)| !RESERVED.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    claims.insert("preferred_username".to_owned(), Value::from(user.id.as_str()));
    claims.insert("name".to_owned(), Value::from(user.name.as_deref().unwrap_or(&user.id)));
    claims.insert("roles".to_owned(), Value::from(user.roles.clone()));
    if let Some(tenant) = &user.tenant {
        claims.insert("tenant".to_owned(), Value::from(tenant.as_str()));
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_cannot_pose_as_a_protocol_claim_or_as_a_role() {
        let attributes = [
            ("sub", "root"),
            ("exp", "never"),
            ("may_act", "everybody"),
            ("active", "always"),
            ("roles", "admin"),
            ("clearance", "2"),
        ];
        let user = User {
            id: "alice".to_owned(),
            roles: vec!["customer".to_owned()],
            attributes: attributes.map(|(name, value)| (name.to_owned(), Value::from(value))).into(),
            ..User::default()
        };
        let claims = person_claims(&user);
        assert_eq!(claims.keys().collect::<Vec<_>>(), ["clearance", "name", "preferred_username", "roles"]);
        assert_eq!(claims["roles"], serde_json::json!(["customer"]));
    }
}
