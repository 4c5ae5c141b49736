//! Tokens that cost a verifier something, or that tell a careful one from a lenient one. Advice, never a failure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::json;

use super::{Family, Forgery, Refusal};
use crate::tokens::Mint;
use crate::tokens::forge::{Bulk, Make, Spelling};
use crate::verdict::Tier;

const fn advice(check: &'static str, source: &'static str, refused_for: Refusal) -> Family {
    Family { check, tier: Tier::Hardening, source, refused_for }
}

const SPELLING: Family = advice("token-spelling", "RFC 7515 §2, RFC 4648 §3.5", Refusal::Form);
const LENIENT: Family = advice("lenient-claims", "RFC 7519 §4.1.6", Refusal::Premature);
const SIZE: Family = advice("token-size", "RFC 8725 §3.6, RFC 7518 §4.8.1.2", Refusal::Size);

pub(super) static HARDENING: &[Forgery] = &[
    SPELLING.entry("base64-padding", Make::Spelled(Spelling::Padded)),
    SPELLING.entry("base64-stray-bits", Make::Spelled(Spelling::StrayBits)),
    SPELLING.entry("base64-standard-alphabet", Make::Spelled(Spelling::StandardAlphabet)),
    SPELLING.entry("base64-extra-character", Make::Spelled(Spelling::ExtraCharacter)),
    SPELLING.entry("extra-segment", Make::Spelled(Spelling::ExtraSegment)),
    LENIENT.entry("iat-future", Make::Minted(|basis| Mint::claim("iat", json!(basis.now + 24 * 3600)))).quiet(),
    LENIENT.refused_for(Refusal::Expired).known(
        "exp-string",
        "RFC 7519 §4.1.4, RFC 7519 §2",
        Make::Minted(|basis| Mint::claim("exp", json!((basis.now + 240).to_string()))),
    ),
    LENIENT
        .refused_for(Refusal::Expired)
        .known(
            "exp-huge",
            "RFC 7519 §4.1.4, RFC 9068 §5",
            Make::Minted(|_| Mint::claim("exp", json!(9_007_199_254_740_991_i64))),
        )
        .quiet(),
    SIZE.entry("claims-32-kib", Make::Minted(|_| Mint::claim("padding", json!("x".repeat(32 * 1024))))),
    SIZE.known("json-2000-deep", "RFC 8259 §9, RFC 8725 §3.6", Make::Bulk(Bulk::Deep)),
    SIZE.known("pbes2-count", "CVE-2023-50658, RFC 7518 §4.8.1.2", Make::Bulk(Bulk::Pbes2)),
    SIZE.known("zip-bomb", "CVE-2024-33664, RFC 8725 §3.6", Make::Bulk(Bulk::Zip)),
];
