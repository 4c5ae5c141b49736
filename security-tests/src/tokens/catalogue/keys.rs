//! Tokens that choose the key which proves them: a published key taken for a secret, a key that they bring along, one
//! that they point to, one that is looked up where they say, one that is easy to guess.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Family, Forgery, Refusal};
use crate::tokens::forge::{Embedding, KeyId, Lookup, Make, PublicSecret, Remote, Whose};
use crate::verdict::Tier;

const HMAC: Family = Family {
    check: "key-confusion",
    tier: Tier::Exploit,
    source: "RFC 8725 §2.1, CVE-2015-9235, CVE-2024-37568",
    refused_for: Refusal::Algorithm,
};

pub(super) static CONFUSION: &[Forgery] = &[
    HMAC.entry("hs256-pem", Make::Hmac("HS256", PublicSecret::Pem)).canary(),
    HMAC.entry("hs256-pem-trimmed", Make::Hmac("HS256", PublicSecret::PemTrimmed)),
    HMAC.entry("hs256-pem-crlf", Make::Hmac("HS256", PublicSecret::PemCrlf)),
    HMAC.entry("hs256-pem-one-line", Make::Hmac("HS256", PublicSecret::PemOneLine)),
    HMAC.entry("hs256-pem-body", Make::Hmac("HS256", PublicSecret::PemBody)),
    HMAC.known("hs256-pkcs1", "CVE-2017-11424, RFC 8725 §2.1", Make::Hmac("HS256", PublicSecret::Pkcs1)),
    HMAC.known("hs256-ssh", "CVE-2022-29217, CVE-2024-33663", Make::Hmac("HS256", PublicSecret::Ssh)),
    HMAC.entry("hs256-der", Make::Hmac("HS256", PublicSecret::Der)),
    HMAC.entry("hs256-raw", Make::Hmac("HS256", PublicSecret::Raw)),
    HMAC.known("hs256-jwk", "CVE-2024-54150, RFC 8725 §2.1", Make::Hmac("HS256", PublicSecret::Jwk)),
    HMAC.entry("hs256-jwk-required", Make::Hmac("HS256", PublicSecret::JwkRequired)),
    HMAC.entry("hs256-key-id", Make::Hmac("HS256", PublicSecret::KeyId)),
    HMAC.entry("hs384-pem", Make::Hmac("HS384", PublicSecret::Pem)),
    HMAC.entry("hs512-pem", Make::Hmac("HS512", PublicSecret::Pem)),
    HMAC.known("hs256-empty", "RFC 7518 §3.2, RFC 8725 §3.5", Make::Hmac("HS256", PublicSecret::Empty)),
];

const BROUGHT: Family = Family {
    check: "embedded-key",
    tier: Tier::Exploit,
    source: "RFC 8725 §3.10, RFC 7515 §4.1.3, CVE-2018-0114",
    refused_for: Refusal::Key,
};

pub(super) static EMBEDDED: &[Forgery] = &[
    BROUGHT.entry("jwk-header", Make::EmbeddedKey(Embedding::Jwk, KeyId::Dropped)).canary(),
    BROUGHT.refused_for(Refusal::Signature).entry("jwk-header-kid", Make::EmbeddedKey(Embedding::Jwk, KeyId::Kept)),
    BROUGHT.known("x5c-header", "RFC 8725 §3.10, RFC 7515 §4.1.6", Make::EmbeddedKey(Embedding::X5c, KeyId::Dropped)),
    BROUGHT.refused_for(Refusal::Signature).known(
        "x5c-header-kid",
        "RFC 8725 §3.10, RFC 7515 §4.1.6",
        Make::EmbeddedKey(Embedding::X5c, KeyId::Kept),
    ),
];

const POINTED: Family = Family {
    check: "remote-key",
    tier: Tier::Exploit,
    source: "RFC 8725 §3.10, RFC 7515 §4.1.2",
    refused_for: Refusal::Signature,
};

pub(super) static REMOTE: &[Forgery] = &[
    POINTED.entry("jku-header", Make::RemoteKey(Remote::Jku)),
    POINTED.entry("jku-trusted-user", Make::RemoteKey(Remote::JkuTrustedUser)),
    POINTED.entry("jku-data-url", Make::RemoteKey(Remote::JkuData)),
    POINTED.known("x5u-header", "RFC 8725 §3.10, RFC 7515 §4.1.5", Make::RemoteKey(Remote::X5u)),
];

const LOOKED_UP: Family = Family {
    check: "key-lookup",
    tier: Tier::Exploit,
    source: "RFC 8725 §3.10, RFC 7515 §4.1.4",
    refused_for: Refusal::Algorithm,
};

pub(super) static LOOKUP: &[Forgery] = &[
    LOOKED_UP.entry("kid-empty-file", Make::KeyLookup(Lookup::File("../../../../../../../dev/null", ""))),
    LOOKED_UP.entry("kid-absolute-file", Make::KeyLookup(Lookup::File("/dev/null", ""))),
    LOOKED_UP.entry(
        "kid-known-file",
        Make::KeyLookup(Lookup::File("../../../../../../../proc/sys/kernel/ostype", "Linux\n")),
    ),
    LOOKED_UP.entry("kid-sql", Make::KeyLookup(Lookup::File("x' UNION SELECT 'devenv';-- ", "devenv"))),
    LOOKED_UP.refused_for(Refusal::Key).entry("kid-unknown", Make::KeyLookup(Lookup::Unknown)),
    LOOKED_UP.refused_for(Refusal::Key).entry("kid-empty", Make::KeyLookup(Lookup::Empty)),
    LOOKED_UP.refused_for(Refusal::Key).entry("kid-list", Make::KeyLookup(Lookup::List)),
];

const GUESSED: Family = Family {
    check: "weak-key",
    tier: Tier::Exploit,
    source: "RFC 8725 §2.2, RFC 8725 §3.5, RFC 7518 §3.2",
    refused_for: Refusal::Signature,
};

pub(super) static WEAK: &[Forgery] = &[
    GUESSED.entry("guessed-key", Make::Guessed(Whose::Own)),
    GUESSED.entry("guessed-key-other-subject", Make::Guessed(Whose::Others)),
];
