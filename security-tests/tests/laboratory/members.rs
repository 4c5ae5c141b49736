//! A JSON object whose members are counted: which of two counts is a decision (RFC 8259 §4 leaves it open).

use std::collections::BTreeMap;

use security_tests::tokens::Refusal;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;

pub(crate) type Members = BTreeMap<String, Value>;

/// What becomes of a member that occurs twice.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Doubles {
    Refused,
    First,
    Last,
}

struct Pairs(Vec<(String, Value)>);

impl<'de> serde::Deserialize<'de> for Pairs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Pairs;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Reads an object.
pub(crate) fn members(json: &[u8], doubles: Doubles) -> Result<Members, Refusal> {
    let Pairs(pairs) = serde_json::from_slice(json).map_err(|_| Refusal::Form)?;
    let mut members = Members::new();
    for (name, value) in pairs {
        match (members.contains_key(&name), doubles) {
            (true, Doubles::Refused) => return Err(Refusal::Duplicate),
            (true, Doubles::First) => {}
            _ => drop(members.insert(name, value)),
        }
    }
    Ok(members)
}
