//! How a fault looks: a sound answer in, a broken one out. Must not know when a fault is due, nor HTTP.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use aws_lc_rs::hmac;
use serde_json::{Map, Value, json};
use url::Url;

use super::catalogue::Fault;
use crate::jws;
use crate::keys::{SigningFailed, SigningKey};

/// Who is named where the wrong one is named.
pub(crate) const OTHER_ISSUER: &str = "https://attacker.example";
pub(crate) const OTHER_PARTY: &str = "somebody-else";

/// The keys to sign a broken token with.
pub(crate) struct Keys<'a> {
    /// The one that signed the sound token.
    pub(crate) own: &'a SigningKey,
    /// An unpublished one of the same algorithm.
    pub(crate) unpublished: &'a SigningKey,
    /// A published one of another algorithm.
    pub(crate) other_algorithm: &'a SigningKey,
}

/// An ID token with this fault in place of a sound one.
pub(crate) fn id_token(fault: Fault, sound: &str, keys: &Keys<'_>, now: i64) -> Result<String, SigningFailed> {
    let (mut header, mut claims) = parts(sound).ok_or(SigningFailed)?;
    change_claims(fault, &mut claims, now);
    let signed = |key: &SigningKey, header: &Map<String, Value>| key.sign_with_header(&json!(header), &json!(claims));
    let unsigned = |header: &Map<String, Value>| {
        format!("{}.{}", jws::encode(json!(header).to_string()), jws::encode(json!(claims).to_string()))
    };
    match fault {
        Fault::SignatureNone => {
            header.insert("alg".to_owned(), "none".into());
            header.remove("kid");
            Ok(format!("{}.", unsigned(&header)))
        }
        Fault::SignatureHs256 => {
            header.insert("alg".to_owned(), "HS256".into());
            let input = unsigned(&header);
            let secret = keys.own.public_pem().ok_or(SigningFailed)?;
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), input.as_bytes());
            Ok(format!("{input}.{}", jws::encode(tag)))
        }
        Fault::InvalidSignature => turned(&signed(keys.own, &header)?).ok_or(SigningFailed),
        Fault::OtherKeySameKid => signed(keys.unpublished, &header),
        Fault::UnknownKid => {
            header.insert("kid".to_owned(), keys.unpublished.key_id().into());
            signed(keys.unpublished, &header)
        }
        Fault::KidAbsent => {
            header.remove("kid");
            signed(keys.own, &header)
        }
        Fault::OtherAlgorithm => {
            header.insert("alg".to_owned(), keys.other_algorithm.algorithm().as_str().into());
            header.insert("kid".to_owned(), keys.other_algorithm.key_id().into());
            signed(keys.other_algorithm, &header)
        }
        _ => signed(keys.own, &header),
    }
}

fn change_claims(fault: Fault, claims: &mut Map<String, Value>, now: i64) {
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    match fault {
        Fault::InvalidIss => drop(set("iss", OTHER_ISSUER.into())),
        Fault::InvalidAud => drop(set("aud", OTHER_PARTY.into())),
        Fault::InvalidAzp | Fault::MissingAzp => {
            let client = claims.get("aud").cloned().unwrap_or_default();
            claims.insert("aud".to_owned(), json!([client, OTHER_PARTY]));
            if fault == Fault::InvalidAzp {
                claims.insert("azp".to_owned(), OTHER_PARTY.into());
            }
        }
        Fault::Expired => {
            set("exp", (now - 3_600).into());
            set("iat", (now - 7_200).into());
        }
        Fault::InvalidIat => drop(set("iat", (now + 86_400).into())),
        Fault::InvalidNonce => drop(set("nonce", OTHER_PARTY.into())),
        Fault::InvalidAtHash => drop(set("at_hash", jws::encode([0_u8; 16]).into())),
        Fault::InvalidAcr => drop(set("acr", "0".into())),
        Fault::OldAuthTime => drop(set("auth_time", (now - 86_400).into())),
        Fault::MissingIss => drop(claims.remove("iss")),
        Fault::MissingAud => drop(claims.remove("aud")),
        Fault::MissingSub => drop(claims.remove("sub")),
        Fault::MissingExp => drop(claims.remove("exp")),
        Fault::MissingIat => drop(claims.remove("iat")),
        Fault::MissingNonce => drop(claims.remove("nonce")),
        Fault::MissingAtHash => drop(claims.remove("at_hash")),
        _ => {}
    }
}

/// A token with one bit of its signature turned.
fn turned(token: &str) -> Option<String> {
    let (input, signature) = token.rsplit_once('.')?;
    let mut bytes = jws::decode(signature)?;
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle)? ^= 1;
    Some(format!("{input}.{}", jws::encode(bytes)))
}

fn parts(token: &str) -> Option<(Map<String, Value>, Map<String, Value>)> {
    let mut parts = token.split('.').map(|part| serde_json::from_slice(&jws::decode(part)?).ok());
    Some((parts.next()??, parts.next()??))
}

/// A JSON answer with this fault.
pub(crate) fn json(fault: Fault, body: &mut Map<String, Value>) {
    let mut set = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    match fault {
        Fault::IdTokenMissing => drop(body.remove("id_token")),
        Fault::TokenTypeWrong => set("token_type", "N_A".into()),
        Fault::TokenTypeMissing => drop(body.remove("token_type")),
        Fault::AccessTokenMissing => drop(body.remove("access_token")),
        Fault::ScopeWidened => set("scope", "everything".into()),
        Fault::DiscoveryIssuer => set("issuer", OTHER_ISSUER.into()),
        Fault::DiscoveryNoJwks => drop(body.remove("jwks_uri")),
        Fault::JwksEmpty => set("keys", json!([])),
        Fault::UserinfoSub => set("sub", OTHER_PARTY.into()),
        Fault::UserinfoNoSub => drop(body.remove("sub")),
        _ => {}
    }
}

/// The address of a callback with this fault; `before` is the client's callback before this one.
pub(crate) fn callback(fault: Fault, location: &str, before: Option<&str>) -> Option<String> {
    if fault == Fault::CallbackReplayed {
        return Some(before.unwrap_or(location).to_owned());
    }
    let mut url = Url::parse(location).ok()?;
    let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let mut set = |name: &str, value: &str| {
        pairs.iter_mut().filter(|(key, _)| key == name).for_each(|(_, old)| value.clone_into(old));
    };
    match fault {
        Fault::StateWrong => set("state", OTHER_PARTY),
        Fault::ResponseIssWrong => set("iss", OTHER_ISSUER),
        Fault::StateMissing => pairs.retain(|(name, _)| name != "state"),
        Fault::ResponseIssMissing => pairs.retain(|(name, _)| name != "iss"),
        Fault::CodeMissing => pairs.retain(|(name, _)| name != "code"),
        Fault::CallbackDuplicated => {
            pairs.extend(["code", "state"].map(|name| (name.to_owned(), OTHER_PARTY.to_owned())));
        }
        _ => {}
    }
    url.query_pairs_mut().clear().extend_pairs(pairs);
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_keeps_what_is_not_broken() {
        let sound = "http://h/cb?own=1&code=c&state=s&iss=http%3A%2F%2Fi";
        let broken = |fault| callback(fault, sound, Some("http://h/before")).unwrap();
        assert_eq!(broken(Fault::StateMissing), "http://h/cb?own=1&code=c&iss=http%3A%2F%2Fi");
        assert_eq!(broken(Fault::CallbackReplayed), "http://h/before");
        assert_eq!(
            broken(Fault::CallbackDuplicated),
            "http://h/cb?own=1&code=c&state=s&iss=http%3A%2F%2Fi&code=somebody-else&state=somebody-else"
        );
    }
}
