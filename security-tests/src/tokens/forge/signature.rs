//! Wrong signatures.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use base64::Engine;
use serde_json::json;

use super::{BASE64URL, Parts};

/// How a signature is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It is empty.
    Removed,
    /// All bytes zero; for ES256 that is r = s = 0 (CVE-2022-21449).
    Zeroed,
    /// r = s = 0 as DER.
    ZeroedDer,
    /// r = s = the order of P-256, which is zero to whoever reduces first.
    GroupOrder,
    /// Its first half.
    Halved,
    /// One bit in the middle differs.
    BitFlipped,
    /// The last bit differs.
    LastBitFlipped,
    /// It goes on after its end.
    Extended,
    /// It is another token's.
    OfAnother,
}

/// The order of P-256 (SEC 2 §2.4.2).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

pub(super) fn damaged(parts: &Parts<'_>, damage: Damage, other: &str) -> Result<String, String> {
    if damage == Damage::OfAnother {
        let other = Parts::of(other).ok_or("the other token is not a JWT")?;
        return Ok(format!("{}.{}.{}", parts.head, parts.payload, other.signature));
    }
    let signature = BASE64URL.decode(parts.signature).map_err(|_| "the signature is not base64url")?;
    let signature = damage_bytes(damage, signature)?;
    Ok(format!("{}.{}.{}", parts.head, parts.payload, BASE64URL.encode(signature)))
}

/// A wrong ES256 signature, under `alg: ES256`.
pub(super) fn es256(parts: &Parts<'_>, damage: Damage) -> Result<String, String> {
    let message = parts.with_header(|header| drop(header.insert("alg".to_owned(), json!("ES256"))));
    Ok(format!("{message}.{}", BASE64URL.encode(damage_bytes(damage, vec![0; 64])?)))
}

fn damage_bytes(damage: Damage, mut signature: Vec<u8>) -> Result<Vec<u8>, String> {
    let empty = "the token has no signature";
    match damage {
        Damage::Removed | Damage::OfAnother => signature.clear(),
        Damage::Zeroed => signature.fill(0),
        // SEQUENCE { INTEGER 0, INTEGER 0 } (RFC 3279 §2.2.3).
        Damage::ZeroedDer => signature = vec![0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00],
        Damage::GroupOrder => signature = [P256_ORDER, P256_ORDER].concat(),
        Damage::Halved => signature.truncate(signature.len() / 2),
        Damage::BitFlipped => {
            let middle = signature.len() / 2;
            signature.get_mut(middle).map(|byte| *byte ^= 1).ok_or(empty)?;
        }
        Damage::LastBitFlipped => signature.last_mut().map(|byte| *byte ^= 1).ok_or(empty)?,
        Damage::Extended => signature.extend([0; 16]),
    }
    Ok(signature)
}
