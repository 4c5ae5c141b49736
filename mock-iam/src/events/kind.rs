//! The events that are transmitted, by their names in the specifications. Must not know streams.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::{Map, Value};

/// Event types of CAEP 1.0 §3.
const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";
/// Event types of RISC 1.0 §2.
const RISC: &str = "https://schemas.openid.net/secevent/risc/event-type/";
/// SSF 1.0 §8.1.4.1.
pub(crate) const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";

/// Names without their prefix, with the prefix.
const NAMES: [(&str, &str); 8] = [
    ("session-revoked", CAEP),
    ("credential-change", CAEP),
    ("token-claims-change", CAEP),
    ("assurance-level-change", CAEP),
    ("device-compliance-change", CAEP),
    ("account-disabled", RISC),
    ("account-enabled", RISC),
    ("account-purged", RISC),
];

/// Something that happened to somebody.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// The event type's URI.
    pub(crate) kind: String,
    /// Subject identifier (RFC 9493).
    pub(crate) subject: Value,
    /// What is said of it.
    pub(crate) payload: Map<String, Value>,
}

/// Every type that can be asked for.
pub(crate) fn supported() -> Vec<String> {
    NAMES.iter().map(|(name, prefix)| format!("{prefix}{name}")).collect()
}

/// The URI of an event type that is named by its URI or by the last part of it.
pub(crate) fn uri(name: &str) -> Option<String> {
    supported().into_iter().find(|uri| uri == name || uri.rsplit('/').next() == Some(name))
}
