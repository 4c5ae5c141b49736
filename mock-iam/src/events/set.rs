//! Security Event Tokens (RFC 8417), right and deliberately wrong. Must not know keys or streams.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::kind::Event;

/// What is wrong with an event, so that a receiver can show that it notices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Signed by a key that is not published, under the name of the one that is.
    Forged,
    /// `alg: none`, no signature.
    Unsigned,
    /// For another receiver.
    WrongAudience,
    /// From another transmitter.
    WrongIssuer,
    /// `typ: JWT`: an ID token could be passed off as an event (RFC 8417 §4).
    WrongType,
    /// The previous event of the stream once more, with its `jti`.
    Replay,
}

/// The claims of an event (SSF 1.0 §4.1).
pub(crate) fn claims(
    event: &Event,
    (issuer, audience): (&str, &str),
    (jti, now): (&str, Timestamp),
) -> Map<String, Value> {
    let members = [
        ("iss", json!(issuer)),
        ("jti", json!(jti)),
        ("iat", json!(now.as_second())),
        ("aud", json!(audience)),
        ("sub_id", event.subject.clone()),
        ("events", json!({ event.kind.as_str(): event.payload })),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

impl Fault {
    /// The header and the claims that go with the fault.
    pub(crate) fn spoil(self, key_id: &str, mut claims: Map<String, Value>) -> (Value, Map<String, Value>) {
        let typ = if self == Self::WrongType { "JWT" } else { "secevent+jwt" };
        let header = match self {
            Self::Unsigned => json!({ "typ": typ, "alg": "none" }),
            _ => json!({ "typ": typ, "alg": "RS256", "kid": key_id }),
        };
        match self {
            Self::WrongAudience => drop(claims.insert("aud".to_owned(), json!("https://somebody-else.example"))),
            Self::WrongIssuer => drop(claims.insert("iss".to_owned(), json!("https://somebody-else.example"))),
            Self::None | Self::Forged | Self::Unsigned | Self::WrongType | Self::Replay => {}
        }
        (header, claims)
    }
}
