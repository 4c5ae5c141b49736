//! Tokens that the provider signed and that must be refused all the same: their time or their subject is wrong.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::json;

use super::{Family, Forgery, Refusal};
use crate::tokens::Mint;
use crate::tokens::forge::Make;
use crate::verdict::Tier;

/// More than any leeway for clocks.
const HOUR: i64 = 3600;

const TIME: Family =
    Family { check: "expired-token", tier: Tier::Exploit, source: "RFC 7519 §4.1.4", refused_for: Refusal::Expired };

const EARLY: Family = Family {
    check: "premature-token",
    tier: Tier::Exploit,
    source: "RFC 7519 §4.1.5",
    refused_for: Refusal::Premature,
};

const SUBJECT: Family = Family {
    check: "confused-subject",
    tier: Tier::Exploit,
    source: "RFC 7519 §4.1.2, RFC 8725 §3.8",
    refused_for: Refusal::Subject,
};

pub(super) static CLAIMS: &[Forgery] = &[
    TIME.entry("expired", Make::Minted(|_| Mint { lifetime_seconds: Some(-HOUR), ..Mint::default() })).canary(),
    TIME.entry("exp-zero", Make::Minted(|_| Mint::claim("exp", json!(0)))),
    TIME.entry("exp-negative", Make::Minted(|_| Mint::claim("exp", json!(-1)))),
    TIME.entry("exp-string-past", Make::Minted(|basis| Mint::claim("exp", json!((basis.now - HOUR).to_string())))),
    TIME.entry("exp-list-past", Make::Minted(|basis| Mint::claim("exp", json!([basis.now - HOUR])))),
    EARLY.entry("nbf-future", Make::Minted(|basis| not_before(basis.now + HOUR))),
    EARLY.entry("nbf-far-future", Make::Minted(|basis| not_before(basis.now + 365 * 24 * HOUR))),
    EARLY.entry("nbf-string-future", Make::Minted(|basis| Mint::claim("nbf", json!((basis.now + HOUR).to_string())))),
    SUBJECT.entry("sub-unknown", Make::Minted(|_| Mint::claim("sub", json!("nobody-of-that-name")))),
    SUBJECT.entry("sub-upper-case", Make::Minted(|basis| Mint::claim("sub", json!(basis.subject().to_uppercase())))),
    SUBJECT
        .entry("sub-trailing-space", Make::Minted(|basis| Mint::claim("sub", json!(format!("{} ", basis.subject()))))),
    SUBJECT.entry("sub-nul", Make::Minted(|basis| Mint::claim("sub", json!(format!("{}\0x", basis.subject()))))),
    SUBJECT.entry("sub-list", Make::Minted(|basis| Mint::claim("sub", json!([basis.subject()])))),
    SUBJECT.entry("sub-object", Make::Minted(|basis| Mint::claim("sub", json!({"id": basis.subject()})))),
    SUBJECT.entry("sub-empty", Make::Minted(|_| Mint::claim("sub", json!("")))),
    SUBJECT.entry("sub-missing", Make::Minted(|_| Mint::claim("sub", json!(null)))),
];

/// Good for a while after that, so that its beginning is all that is wrong.
fn not_before(time: i64) -> Mint {
    Mint { lifetime_seconds: Some(366 * 24 * HOUR), ..Mint::claim("nbf", json!(time)) }
}
