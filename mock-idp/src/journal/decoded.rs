//! Tokens as people read them: header and claims. Decoded when the journal is read, not when it is written.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::ser::{SerializeMap as _, Serializer};
use serde_json::{Value, json};

use crate::jws;

/// Writes `name: {header, claims}` for each token; `null` for one that is no JWT.
pub(super) fn serialize<S: Serializer>(tokens: &[(&'static str, String)], out: S) -> Result<S::Ok, S::Error> {
    let mut map = out.serialize_map(Some(tokens.len()))?;
    for (name, unsigned) in tokens {
        map.serialize_entry(name, &decoded(unsigned))?;
    }
    map.end()
}

fn decoded(unsigned: &str) -> Option<Value> {
    let part = |text: &str| serde_json::from_slice::<Value>(&jws::decode(text)?).ok();
    let (header, claims) = unsigned.split_once('.')?;
    Some(json!({"header": part(header)?, "claims": part(claims)?}))
}
