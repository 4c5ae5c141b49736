//! SCIM 2.0 (RFC 7643, RFC 7644): its JSON to changes of the directory, and users to its JSON.
//!
//! Pure: must not know HTTP, the clock, or policies.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub(crate) mod discovery;
mod error;
mod filter;
mod filter_parser;
pub(crate) mod group;
pub(crate) mod input;
pub(crate) mod list;
pub(crate) mod patch;
mod patch_value;
mod path;
mod projection;
pub(crate) mod schema;
mod sort;
pub(crate) mod user;

pub(crate) use error::{ScimError, ScimType};

/// Schema of users (RFC 7643 §4.1).
pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// Schema of groups (RFC 7643 §4.2).
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// Extension of users (RFC 7643 §4.3).
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Our extension of users: tenant and free attributes.
pub(crate) const EXTENSION: &str = "urn:devenv:params:scim:schemas:extension:1.0:User";

/// The part of a name after a schema's URN and colon; URNs and attribute names have no letter case (RFC 7643 §2.1).
fn after_urn<'a>(name: &'a str, urn: &str) -> Option<&'a str> {
    let (start, rest) = name.split_at_checked(urn.len())?;
    start.eq_ignore_ascii_case(urn).then_some(rest)?.strip_prefix(':')
}

/// The value of an attribute, whatever the letter case of its name.
fn attribute<'a>(object: &'a serde_json::Map<String, serde_json::Value>, name: &str) -> Option<&'a serde_json::Value> {
    object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// URL of a resource.
pub(crate) fn location(base: &str, endpoint: &str, id: &str) -> String {
    let mut url = format!("{base}/{endpoint}/");
    for byte in id.bytes() {
        match byte {
            // RFC 3986 §2.3: unreserved characters.
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => url.push(char::from(byte)),
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
    url
}

/// The entity tag of a version, weak because the representation may differ in form (RFC 7644 §3.14).
pub(crate) fn version(version: u64) -> String {
    format!("W/\"{version}\"")
}
