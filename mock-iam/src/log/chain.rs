//! The chain of hashes through the decision log: each line ends with the hash of the line before and its own.
//!
//! Pure: must not know files or what the lines say.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;

/// What the first line of all has for the hash of the line before: 32 zero bytes.
pub(crate) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

const HASH_KEY: &str = ",\"hash\":\"";

/// What the chain needs of a line that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) sequence: u64,
    /// Hash of the line before.
    pub(crate) previous: String,
    /// Hash of this line.
    pub(crate) hash: String,
}

/// Why a line is no link of a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenLine {
    /// Not JSON, or without the fields of the chain.
    #[error("it is not a line of a decision log")]
    NotALine,
    /// The text is not the text that was hashed.
    #[error("its text does not have the hash that it names: it was changed")]
    Changed,
    /// The line before is not the one that was there when this one was written.
    #[error("it does not follow the line before: lines were removed, added or put in another order")]
    NotNext,
}

#[derive(Deserialize)]
struct Fields {
    sequence: u64,
    previous: String,
}

/// Closes a line: `object` is a JSON object on one line; the answer ends without a line feed.
pub(crate) fn close(object: &str, previous: &str) -> (String, String) {
    let open = object.strip_suffix('}').unwrap_or(object);
    let body = format!("{open},\"previous\":\"{previous}\"");
    let hash = hash(body.as_bytes());
    (format!("{body}{HASH_KEY}{hash}\"}}"), hash)
}

/// Reads a line without its line feed, and checks its own hash.
///
/// # Errors
/// [`BrokenLine::NotALine`] and [`BrokenLine::Changed`].
pub(crate) fn open(line: &[u8]) -> Result<Link, BrokenLine> {
    let ending = HASH_KEY.len() + GENESIS.len() + "\"}".len();
    let (body, ending) =
        line.len().checked_sub(ending).and_then(|at| line.split_at_checked(at)).ok_or(BrokenLine::NotALine)?;
    let named = std::str::from_utf8(ending).ok();
    let named = named.and_then(|ending| ending.strip_prefix(HASH_KEY)?.strip_suffix("\"}"));
    let named = named.ok_or(BrokenLine::NotALine)?;
    if hash(body) != named {
        return Err(BrokenLine::Changed);
    }
    let fields: Fields = serde_json::from_slice(line).map_err(|_| BrokenLine::NotALine)?;
    Ok(Link { sequence: fields.sequence, previous: fields.previous, hash: named.to_owned() })
}

fn hash(text: &[u8]) -> String {
    digest(&SHA256, text).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
