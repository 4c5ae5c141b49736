//! Access tokens that are broken in a named way, for APIs that must refuse them. Must not know who asks.
//!
//! The names are what `security-tests` and people order by; each breaks one thing of a token that is sound otherwise.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::mint::Draft;
use crate::jws;
use crate::keys::{SigningFailed, SigningKey};

/// A line of the catalogue.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Described {
    pub(crate) name: &'static str,
    pub(crate) is: &'static str,
}

macro_rules! broken {
    ($($broken:ident $name:literal $is:literal;)*) => {
        /// A way to break a token.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
        pub(crate) enum Broken { $(#[serde(rename = $name)] $broken,)* }

        /// Every way there is.
        pub(crate) const CATALOGUE: &[Described] =
            &[$(Described { name: $name, is: $is },)*];
    };
}

broken! {
    AlgNone "alg-none" "`alg` is `none`, without a signature";
    AlgNoneCased "alg-none-cased" "`alg` is `nOnE`, without a signature";
    AlgNoneSigned "alg-none-signed" "`alg` is `none`, with the signature left on";
    AlgEmpty "alg-empty" "`alg` is empty";
    AlgMissing "alg-missing" "there is no `alg`";
    AlgNull "alg-null" "`alg` is null";
    AlgTwice "alg-twice" "`alg` comes twice, `none` last";
    TwoSegments "two-segments" "header and claims, no signature part";
    SignatureRemoved "signature-removed" "the signature part is empty";
    SignatureZeroed "signature-zeroed" "the signature is zeros (for ES256: r = s = 0)";
    SignatureHalved "signature-halved" "the second half of the signature is missing";
    SignatureTurned "signature-bit-flipped" "one bit of the signature is turned";
    SignatureForeign "signature-of-other-token" "the signature of another token of the same key";
    OtherKey "other-key" "an unpublished key under a published `kid`";
    UnpublishedKid "unpublished-kid" "an unpublished key under its own `kid`";
    HmacPem "hs256-public-pem" "HS256 with the public key as PEM for the secret";
    HmacPemTrimmed "hs256-public-pem-trimmed" "the same without the last line break";
    HmacJwk "hs256-public-jwk" "HS256 with the published JWK for the secret";
    HmacEmpty "hs256-empty" "HS256 with an empty secret";
    NoKid "no-kid" "there is no `kid`";
    KidEmpty "kid-empty" "`kid` is empty";
    KidList "kid-list" "`kid` is a list";
    KidPath "kid-path" "`kid` is `../../../../dev/null`";
    KidSql "kid-sql" "`kid` is `' OR '1'='1`";
    JwkHeader "jwk-header" "an unpublished key, brought along in the header";
    JkuHeader "jku-header" "an unpublished key, with an address of the attacker to fetch it from";
    X5uHeader "x5u-header" "the same as a certificate";
    CritUnknown "crit-unknown" "an extension that must be understood and is not known";
    B64False "b64-false" "an unencoded payload is claimed (RFC 7797)";
    WrongTyp "wrong-typ" "`typ` is `JWT`";
    NoTyp "no-typ" "there is no `typ`";
    Expired "expired" "`exp` is an hour ago";
    ExpMissing "exp-missing" "there is no `exp`";
    ExpString "exp-string" "`exp` is a string";
    ExpHuge "exp-huge" "`exp` is 1e300";
    ExpNegative "exp-negative" "`exp` is -1";
    NbfFuture "nbf-future" "`nbf` is in an hour";
    IatFuture "iat-future" "`iat` is in an hour";
    WrongIss "wrong-iss" "`iss` is another issuer";
    NoIss "no-iss" "there is no `iss`";
    WrongAud "wrong-aud" "`aud` is another API";
    NoAud "no-aud" "there is no `aud`";
    LookalikeAud "lookalike-aud" "`aud` has the right one as its beginning";
    SubUnknown "sub-unknown" "`sub` is nobody";
    SubUpperCase "sub-upper-case" "`sub` in capitals";
    SubSpace "sub-trailing-space" "`sub` with a space after it";
    SubList "sub-list" "`sub` is a list";
    SubMissing "sub-missing" "there is no `sub`";
    SubTwice "sub-twice" "`sub` comes twice, `admin` last";
    ClaimsHuge "claims-huge" "32 KiB of claims";
    ClaimsDeep "claims-deep" "claims that are 2,000 deep";
    Confirmation "dpop-bound" "bound to a key (`cnf`), to be sent as a bearer token";
    IdToken "id-token" "an ID token of the same person";
    LogoutToken "logout-token" "a back-channel logout token of the same person";
    RefreshToken "refresh-token" "a refresh token that works";
}

/// Makes a token that is broken so.
pub(crate) fn token(
    broken: Broken,
    draft: &Draft,
    key: &SigningKey,
    other: &SigningKey,
    now: i64,
) -> Result<String, SigningFailed> {
    let mut header = object(json!({"typ": "at+jwt", "alg": key.algorithm().as_str(), "kid": key.key_id()}));
    let mut claims = object(draft.claims.clone());
    change_claims(broken, draft, &mut claims, now);
    change_header(broken, &mut header, other);
    if let Some(token) = with_raw_json(broken, &header, &claims, key) {
        return token;
    }
    let signer = match broken {
        Broken::OtherKey | Broken::UnpublishedKid | Broken::JwkHeader | Broken::JkuHeader | Broken::X5uHeader => other,
        _ => key,
    };
    let signed = signer.sign_with_header(&json!(header), &json!(claims))?;
    let (input, signature) = signed.rsplit_once('.').ok_or(SigningFailed)?;
    let bytes = jws::decode(signature).ok_or(SigningFailed)?;
    let hmac = |secret: &[u8]| jws::encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes()));
    let signature = match broken {
        Broken::AlgNone | Broken::AlgNoneCased | Broken::SignatureRemoved => String::new(),
        Broken::TwoSegments => return Ok(input.to_owned()),
        Broken::SignatureZeroed => jws::encode(vec![0; bytes.len()]),
        Broken::SignatureHalved => jws::encode(bytes.get(..bytes.len() / 2).unwrap_or_default()),
        Broken::SignatureTurned => jws::encode(turned(bytes)),
        Broken::SignatureForeign => {
            claims.insert("jti".to_owned(), "another".into());
            let foreign = key.sign_with_header(&json!(header), &json!(claims))?;
            foreign.rsplit_once('.').ok_or(SigningFailed)?.1.to_owned()
        }
        Broken::HmacPem => hmac(key.public_pem().ok_or(SigningFailed)?.as_bytes()),
        Broken::HmacPemTrimmed => hmac(key.public_pem().ok_or(SigningFailed)?.trim_end().as_bytes()),
        Broken::HmacJwk => hmac(key.jwk().to_string().as_bytes()),
        Broken::HmacEmpty => hmac(b""),
        _ => signature.to_owned(),
    };
    Ok(format!("{input}.{signature}"))
}

fn change_header(broken: Broken, header: &mut Map<String, Value>, other: &SigningKey) {
    let mut set = |name: &str, value: Value| drop(header.insert(name.to_owned(), value));
    match broken {
        Broken::AlgNone | Broken::AlgNoneSigned => set("alg", "none".into()),
        Broken::AlgNoneCased => set("alg", "nOnE".into()),
        Broken::AlgEmpty => set("alg", "".into()),
        Broken::AlgNull => set("alg", Value::Null),
        Broken::AlgMissing => drop(header.remove("alg")),
        Broken::HmacPem | Broken::HmacPemTrimmed | Broken::HmacJwk | Broken::HmacEmpty => set("alg", "HS256".into()),
        Broken::NoKid => drop(header.remove("kid")),
        Broken::KidEmpty => set("kid", "".into()),
        Broken::KidList => set("kid", json!(["a", "b"])),
        Broken::KidPath => set("kid", "../../../../dev/null".into()),
        Broken::KidSql => set("kid", "' OR '1'='1".into()),
        Broken::UnpublishedKid => set("kid", other.key_id().into()),
        Broken::JwkHeader => set("jwk", other.jwk().clone()),
        Broken::JkuHeader => set("jku", "https://attacker.example/jwks".into()),
        Broken::X5uHeader => set("x5u", "https://attacker.example/cert.pem".into()),
        Broken::CritUnknown => {
            set("crit", json!(["urn:example:unknown"]));
            set("urn:example:unknown", true.into());
        }
        Broken::B64False => {
            set("crit", json!(["b64"]));
            set("b64", false.into());
        }
        Broken::WrongTyp | Broken::IdToken => set("typ", "JWT".into()),
        Broken::LogoutToken => set("typ", "logout+jwt".into()),
        Broken::NoTyp => drop(header.remove("typ")),
        _ => {}
    }
}

fn change_claims(broken: Broken, draft: &Draft, claims: &mut Map<String, Value>, now: i64) {
    let text = |claims: &Map<String, Value>, name: &str| {
        claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let (subject, audience) = (text(claims, "sub"), text(claims, "aud"));
    let mut set = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
    match broken {
        Broken::Expired => {
            set("exp", (now - 3_600).into());
            set("iat", (now - 7_200).into());
        }
        Broken::ExpString => set("exp", (now + 3_600).to_string().into()),
        Broken::ExpHuge => set("exp", json!(1e300)),
        Broken::ExpNegative => set("exp", (-1).into()),
        Broken::NbfFuture => set("nbf", (now + 3_600).into()),
        Broken::IatFuture => set("iat", (now + 3_600).into()),
        Broken::WrongIss => set("iss", "https://attacker.example".into()),
        Broken::WrongAud => set("aud", "another-api".into()),
        Broken::LookalikeAud => set("aud", format!("{audience}.attacker.example").into()),
        Broken::SubUnknown => set("sub", "nobody-of-this-name".into()),
        Broken::SubUpperCase => set("sub", subject.to_uppercase().into()),
        Broken::SubSpace => set("sub", format!("{subject} ").into()),
        Broken::SubList => set("sub", json!([subject])),
        Broken::ExpMissing => drop(claims.remove("exp")),
        Broken::NoIss => drop(claims.remove("iss")),
        Broken::NoAud => drop(claims.remove("aud")),
        Broken::SubMissing => drop(claims.remove("sub")),
        Broken::ClaimsHuge => set("padding", "x".repeat(32 * 1_024).into()),
        Broken::Confirmation => set("cnf", json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})),
        Broken::IdToken => {
            claims.retain(|name, _| matches!(name.as_str(), "iss" | "sub" | "exp" | "iat" | "jti"));
            claims.insert("aud".to_owned(), draft.client_id.clone().into());
            claims.insert("auth_time".to_owned(), now.into());
        }
        Broken::LogoutToken => {
            claims.retain(|name, _| matches!(name.as_str(), "iss" | "sub" | "exp" | "iat" | "jti"));
            claims.insert("aud".to_owned(), draft.client_id.clone().into());
            claims.insert("events".to_owned(), json!({"http://schemas.openid.net/event/backchannel-logout": {}}));
        }
        _ => {}
    }
}

/// Tokens whose JSON no JSON library writes.
fn with_raw_json(
    broken: Broken,
    header: &Map<String, Value>,
    claims: &Map<String, Value>,
    key: &SigningKey,
) -> Option<Result<String, SigningFailed>> {
    let (header, claims) = (json!(header).to_string(), json!(claims).to_string());
    let reopened = |text: &str, more: &str| text.strip_suffix('}').map(|open| format!("{open},{more}}}"));
    let (header, claims) = match broken {
        Broken::AlgTwice => (reopened(&header, r#""alg":"none""#)?, claims),
        Broken::SubTwice => (header, reopened(&claims, r#""sub":"admin""#)?),
        Broken::ClaimsDeep => {
            let deep = format!(r#""deep":{}1{}"#, "[".repeat(2_000), "]".repeat(2_000));
            (header, reopened(&claims, &deep)?)
        }
        _ => return None,
    };
    Some(key.sign_parts(&jws::encode(header), claims.as_bytes()))
}

fn turned(mut bytes: Vec<u8>) -> Vec<u8> {
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 1;
    }
    bytes
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
