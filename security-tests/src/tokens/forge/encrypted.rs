//! Tokens encrypted to the published key (RFC 7516), which everybody can do: encryption proves no sender.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::Engine;
use serde_json::{Map, Value, json};

use super::{BASE64URL, Materials, Parts, der, published_key};

/// A JWE in compact form (RFC 7516 §7.1) around a text.
pub(super) fn encrypted(text: &str, parts: &Parts<'_>, materials: &Materials<'_>) -> Result<String, String> {
    let header = json!({"cty": "JWT", "typ": parts.header.get("typ")});
    seal(text.as_bytes(), header, &Recipient::of(parts, materials)?)
}

/// The same, its content compressed already (RFC 7516 §4.1.3).
pub(super) fn compressed(content: &[u8], parts: &Parts<'_>, materials: &Materials<'_>) -> Result<String, String> {
    seal(content, json!({"cty": "JWT", "zip": "DEF"}), &Recipient::of(parts, materials)?)
}

/// To whom, and the randomness: a function of the token, so that the same token gives the same text.
struct Recipient {
    key: Value,
    seed: [u8; 32],
}

impl Recipient {
    fn of(parts: &Parts<'_>, materials: &Materials<'_>) -> Result<Self, String> {
        let (_, key) = published_key(parts, materials.published)?;
        let mut seed = [0; 32];
        seed.copy_from_slice(digest(&SHA256, materials.token.as_bytes()).as_ref());
        Ok(Self { key, seed })
    }
}

fn seal(content: &[u8], header: Value, recipient: &Recipient) -> Result<String, String> {
    let Value::Object(mut header) = header else { return Err("a header is an object".to_owned()) };
    header.insert("enc".to_owned(), json!("A256GCM"));
    header.extend(recipient.key.get("kid").map(|name| ("kid".to_owned(), name.clone())));
    let (key, encrypted_key) = match recipient.key.get("kty").and_then(Value::as_str) {
        Some("EC") if recipient.key.get("crv") == Some(&json!("P-256")) => agreed(recipient, &mut header)?,
        Some("RSA") => wrapped(recipient, &mut header)?,
        _ => return Err("nothing can be encrypted to the published key".to_owned()),
    };
    let head = BASE64URL.encode(Value::Object(header).to_string());
    let broken = |_| "cannot encrypt".to_owned();
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).map_err(broken)?);
    let mut sealed = content.to_vec();
    // The key is used once: the nonce may be fixed.
    let nonce = [0; 12];
    let nonce_value = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(nonce_value, Aad::from(head.as_bytes()), &mut sealed).map_err(broken)?;
    let (text, tag) = sealed.split_at(sealed.len().saturating_sub(16));
    let parts = [&encrypted_key, &nonce[..], text, tag].map(|part| BASE64URL.encode(part));
    Ok(format!("{head}.{}", parts.join(".")))
}

/// ECDH-ES (RFC 7518 §4.6): no encrypted key.
fn agreed(recipient: &Recipient, header: &mut Map<String, Value>) -> Result<([u8; 32], Vec<u8>), String> {
    let broken = |_| "the published key is no point of P-256".to_owned();
    let own = PrivateKey::from_private_key(&ECDH_P256, &recipient.seed).map_err(|_| "cannot make a key")?;
    let public = own.compute_public_key().map_err(broken)?;
    let half = |from: usize| BASE64URL.encode(public.as_ref().get(from..from + 32).unwrap_or_default());
    header.insert("alg".to_owned(), json!("ECDH-ES"));
    header.insert("epk".to_owned(), json!({"kty": "EC", "crv": "P-256", "x": half(1), "y": half(33)}));
    let point = der::raw(&recipient.key).ok_or("the published key has no point")?;
    let peer = UnparsedPublicKey::new(&ECDH_P256, &point);
    let unspecified = aws_lc_rs::error::Unspecified;
    // Concat KDF with one round (NIST SP 800-56A §5.8.1): 1, Z, "A256GCM", no parties, 256 bits.
    let key = agree(&own, peer, unspecified, |shared| {
        let name = b"A256GCM";
        let information = [&[0, 0, 0, 7], &name[..], &[0; 8], &[0, 0, 1, 0]].concat();
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, &[&[0, 0, 0, 1], shared, &information].concat()).as_ref());
        Ok(key)
    });
    Ok((key.map_err(broken)?, Vec::new()))
}

/// RSA-OAEP-256 (RFC 7518 §4.3).
fn wrapped(recipient: &Recipient, header: &mut Map<String, Value>) -> Result<([u8; 32], Vec<u8>), String> {
    let broken = "nothing can be encrypted to the published RSA key";
    header.insert("alg".to_owned(), json!("RSA-OAEP-256"));
    let public = der::public_key(&recipient.key).ok_or(broken)?;
    let public = PublicEncryptingKey::from_der(&public).map_err(|_| broken)?;
    let public = OaepPublicEncryptingKey::new(public).map_err(|_| broken)?;
    let mut room = vec![0; public.ciphertext_size()];
    let text = public.encrypt(&OAEP_SHA256_MGF1SHA256, &recipient.seed, &mut room, None).map_err(|_| broken)?;
    Ok((recipient.seed, text.to_vec()))
}
