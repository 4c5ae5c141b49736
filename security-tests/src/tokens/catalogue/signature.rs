//! Tokens that nobody signed, and tokens whose signature is wrong.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Family, Forgery, Refusal};
use crate::tokens::forge::Algorithm::{Kept, List, Missing, Named, Null};
use crate::tokens::forge::{Damage, Make, Order, Tail};
use crate::verdict::Tier;

const NONE: Family = Family {
    check: "unsigned-token",
    tier: Tier::Exploit,
    source: "RFC 8725 §3.1, RFC 7518 §3.6, CVE-2021-22160",
    refused_for: Refusal::Algorithm,
};

pub(super) static UNSIGNED: &[Forgery] = &[
    NONE.entry("alg-none", Make::Unsigned(Named("none"), Tail::Empty)).canary(),
    NONE.entry("alg-None", Make::Unsigned(Named("None"), Tail::Empty)),
    NONE.entry("alg-NONE", Make::Unsigned(Named("NONE"), Tail::Empty)),
    NONE.entry("alg-nOnE", Make::Unsigned(Named("nOnE"), Tail::Empty)),
    NONE.entry("alg-none-signed", Make::Unsigned(Named("none"), Tail::Old)),
    NONE.entry("alg-None-signed", Make::Unsigned(Named("None"), Tail::Old)),
    NONE.entry("alg-NONE-signed", Make::Unsigned(Named("NONE"), Tail::Old)),
    NONE.entry("alg-nOnE-signed", Make::Unsigned(Named("nOnE"), Tail::Old)),
    NONE.entry("alg-none-space", Make::Unsigned(Named("none "), Tail::Empty)),
    NONE.entry("alg-none-list", Make::Unsigned(List, Tail::Empty)),
    NONE.refused_for(Refusal::Form).entry("two-segments", Make::Unsigned(Named("none"), Tail::Nothing)),
    NONE.refused_for(Refusal::Form).known(
        "two-segments-same-alg",
        "RFC 7515 §7.1, CVE-2020-28042",
        Make::Unsigned(Kept, Tail::Nothing),
    ),
    NONE.known("alg-empty", "RFC 7515 §4.1.1", Make::Unsigned(Named(""), Tail::Empty)),
    NONE.known("alg-null", "RFC 7515 §4.1.1", Make::Unsigned(Null, Tail::Empty)),
    NONE.known("alg-missing", "RFC 7515 §4.1.1", Make::Unsigned(Missing, Tail::Empty)),
    NONE.known("alg-missing-signed", "RFC 7515 §4.1.1", Make::Unsigned(Missing, Tail::Old)),
    NONE.refused_for(Refusal::Duplicate).known("alg-twice-none-last", "RFC 7515 §4", Make::Twice(Order::NoneLast)),
    NONE.refused_for(Refusal::Duplicate).known("alg-twice-none-first", "RFC 7515 §4", Make::Twice(Order::NoneFirst)),
    NONE.refused_for(Refusal::Form).known("json-polyglot", "CVE-2022-39227, RFC 7515 §7.2", Make::Polyglot),
    NONE.refused_for(Refusal::Form).known("jwe-around-unsigned", "CVE-2026-29000, RFC 7519 §5.2", Make::Encrypted),
];

const WRONG: Family = Family {
    check: "ignored-signature",
    tier: Tier::Exploit,
    source: "RFC 7515 §5.2, RFC 8725 §3.3",
    refused_for: Refusal::Signature,
};

pub(super) static IGNORED: &[Forgery] = &[
    WRONG.known("signature-removed", "RFC 7515 §5.2, CVE-2020-28042", Make::Signature(Damage::Removed)),
    WRONG.known("signature-zeroed", "CVE-2022-21449, RFC 7515 §5.2", Make::Signature(Damage::Zeroed)),
    WRONG.entry("signature-halved", Make::Signature(Damage::Halved)),
    WRONG.entry("signature-bit-flipped", Make::Signature(Damage::BitFlipped)).canary(),
    WRONG.entry("signature-last-bit", Make::Signature(Damage::LastBitFlipped)),
    WRONG.entry("signature-extended", Make::Signature(Damage::Extended)),
    WRONG.entry("signature-of-another", Make::Signature(Damage::OfAnother)),
    WRONG.known("es256-zero", "CVE-2022-21449, RFC 7518 §3.4", Make::EsZero(Damage::Zeroed)),
    WRONG.known("es256-zero-der", "CVE-2022-21449, RFC 7518 §3.4", Make::EsZero(Damage::ZeroedDer)),
    WRONG.known("es256-order", "CVE-2022-21449, RFC 7518 §3.4", Make::EsZero(Damage::GroupOrder)),
    WRONG.known("other-key", "RFC 7515 §4.1.4", Make::OtherKey).canary(),
];
