//! One token, several texts: harmless, unless a list of revoked tokens holds texts.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::Parts;

/// How a token is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// With `=` at the end.
    Padded,
    /// With bits set that encode nothing (RFC 4648 §3.5).
    StrayBits,
    /// With `+` and `/`.
    StandardAlphabet,
    /// With a character that is in no alphabet.
    ExtraCharacter,
    /// With a dot and something behind the signature.
    ExtraSegment,
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(super) fn spelled(parts: &Parts<'_>, spelling: Spelling) -> Result<String, String> {
    let signature = parts.signature;
    let respelled = match spelling {
        Spelling::Padded if !signature.len().is_multiple_of(4) => {
            format!("{signature}{}", "=".repeat(4 - signature.len() % 4))
        }
        Spelling::Padded => return Err("the signature needs no padding".to_owned()),
        Spelling::StrayBits => stray(signature).ok_or("the signature has no bits to spare")?,
        Spelling::StandardAlphabet if signature.contains(['-', '_']) => signature.replace('-', "+").replace('_', "/"),
        Spelling::StandardAlphabet => return Err("the signature is the same in both alphabets".to_owned()),
        Spelling::ExtraCharacter => format!("{signature}!"),
        Spelling::ExtraSegment => format!("{signature}.e30"),
    };
    Ok(format!("{}.{}.{respelled}", parts.head, parts.payload))
}

/// The last character with its unused bits set.
fn stray(text: &str) -> Option<String> {
    let spare = match text.len() % 4 {
        2 => 0b1111,
        3 => 0b11,
        _ => return None,
    };
    let (last, before) = text.as_bytes().split_last()?;
    let value = ALPHABET.iter().position(|character| character == last)?;
    let other = char::from(*ALPHABET.get(value ^ (spare & 1))?);
    Some(format!("{}{other}", std::str::from_utf8(before).ok()?))
}
