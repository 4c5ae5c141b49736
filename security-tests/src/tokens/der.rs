//! A published key (JWK, RFC 7517) as DER and PEM (RFC 5280 §4.1.2.7): what key confusion uses as HMAC secret.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// `AlgorithmIdentifier` of an RSA key: OID 1.2.840.113549.1.1.1 and NULL.
const RSA: &[u8] = &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
/// `AlgorithmIdentifier` of a P-256 key: OIDs 1.2.840.10045.2.1 and 1.2.840.10045.3.1.7.
const P256: &[u8] = &[
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
    0x01, 0x07,
];
/// `AlgorithmIdentifier` of a P-384 key: OIDs 1.2.840.10045.2.1 and 1.3.132.0.34.
const P384: &[u8] =
    &[0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
/// `AlgorithmIdentifier` of an Ed25519 key: OID 1.3.101.112.
const ED25519: &[u8] = &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];

/// The `SubjectPublicKeyInfo` of a key; nothing for a kind that is not known.
pub(super) fn public_key(jwk: &Value) -> Option<Vec<u8>> {
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(jwk.get(name)?.as_str()?).ok();
    let point = || Some([vec![4], bytes("x")?, bytes("y")?].concat());
    let name = |name: &str| jwk.get(name).and_then(Value::as_str);
    let (algorithm, key) = match (name("kty")?, name("crv")) {
        ("RSA", _) => (RSA, sequence(&[integer(&bytes("n")?), integer(&bytes("e")?)].concat())),
        ("EC", Some("P-256")) => (P256, point()?),
        ("EC", Some("P-384")) => (P384, point()?),
        ("OKP", Some("Ed25519")) => (ED25519, bytes("x")?),
        _ => return None,
    };
    let bits = tagged(0x03, &[vec![0], key].concat());
    Some(sequence(&[algorithm.to_vec(), bits].concat()))
}

/// PEM with 64 characters a line and a newline at the end (RFC 7468 §2).
pub(super) fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut lines = vec!["-----BEGIN PUBLIC KEY-----".to_owned()];
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        lines.push(line.to_owned());
        rest = more;
    }
    lines.push("-----END PUBLIC KEY-----\n".to_owned());
    lines.join("\n")
}

fn sequence(content: &[u8]) -> Vec<u8> {
    tagged(0x30, content)
}

/// A positive INTEGER: a leading zero keeps the sign bit clear.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let high = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let content = if high { [&[0], bytes].concat() } else { bytes.to_vec() };
    tagged(0x02, &content)
}

/// Tag, length (X.690 §8.1.3) and content.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let head = match (content.len(), significant.as_slice()) {
        (0..128, [single]) => vec![tag, *single],
        (_, []) => vec![tag, 0],
        (_, bytes) => [&[tag, 0x80 | u8::try_from(bytes.len()).unwrap_or(8)], bytes].concat(),
    };
    [head, content.to_vec()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_p256_key_is_the_91_bytes_that_everybody_else_writes() {
        // RFC 7515 appendix A.3.1.
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
        let der = public_key(&jwk).unwrap();
        assert_eq!(der.len(), 91);
        let expected = "-----BEGIN PUBLIC KEY-----\n\
            MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n\
            6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n\
            -----END PUBLIC KEY-----\n";
        assert_eq!(pem(&der), expected);
    }

    #[test]
    fn an_rsa_key_has_long_lengths_and_a_positive_modulus() {
        let jwk = json!({"kty": "RSA", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode([0xffu8; 256])});
        let der = public_key(&jwk).unwrap();
        assert_eq!(der.len(), 294);
        assert_eq!(der[..4], [0x30, 0x82, 0x01, 0x22]);
    }

    #[test]
    fn other_keys_have_no_der() {
        assert_eq!(public_key(&json!({"kty": "oct", "k": "AA"})), None);
    }
}
