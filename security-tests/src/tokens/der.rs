//! A published key (JWK, RFC 7517) in the forms in which others keep it, and the certificate of an attacker's key: just
//! enough DER (X.690) to write them. Must not know what they are used for.
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

/// `AlgorithmIdentifier` of ECDSA with SHA-256: OID 1.2.840.10045.4.3.2.
const ECDSA_SHA256: &[u8] = &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// The `SubjectPublicKeyInfo` of a key; nothing for a kind that is not known.
pub(super) fn public_key(jwk: &Value) -> Option<Vec<u8>> {
    let (algorithm, key) = match (text(jwk, "kty")?, text(jwk, "crv")) {
        ("RSA", _) => (RSA, pkcs1(jwk)?),
        ("EC", Some("P-256")) => (P256, raw(jwk)?),
        ("EC", Some("P-384")) => (P384, raw(jwk)?),
        ("OKP", Some("Ed25519")) => (ED25519, raw(jwk)?),
        _ => return None,
    };
    Some(sequence(&[algorithm.to_vec(), bit_string(&key)].concat()))
}

/// An RSA key alone (RFC 8017 appendix A.1.1).
pub(super) fn pkcs1(jwk: &Value) -> Option<Vec<u8>> {
    Some(sequence(&[integer(&bytes(jwk, "n")?), integer(&bytes(jwk, "e")?)].concat()))
}

/// The number that is the key: modulus, uncompressed point, or 32 bytes of Ed25519.
pub(super) fn raw(jwk: &Value) -> Option<Vec<u8>> {
    match text(jwk, "kty")? {
        "RSA" => bytes(jwk, "n"),
        "EC" => Some([vec![4], bytes(jwk, "x")?, bytes(jwk, "y")?].concat()),
        "OKP" => bytes(jwk, "x"),
        _ => None,
    }
}

/// The line of an SSH key file, without a comment (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4).
pub(super) fn ssh(jwk: &Value) -> Option<String> {
    let string = |content: &[u8]| [&u32::try_from(content.len()).unwrap_or(0).to_be_bytes()[..], content].concat();
    let number = |name: &str| {
        let digits = bytes(jwk, name)?;
        let high = digits.first().is_some_and(|first| first & 0x80 != 0);
        Some(string(&if high { [&[0][..], &digits].concat() } else { digits }))
    };
    let (kind, rest) = match (text(jwk, "kty")?, text(jwk, "crv")) {
        ("RSA", _) => ("ssh-rsa", [number("e")?, number("n")?].concat()),
        ("EC", Some("P-256")) => ("ecdsa-sha2-nistp256", [string(b"nistp256"), string(&raw(jwk)?)].concat()),
        ("EC", Some("P-384")) => ("ecdsa-sha2-nistp384", [string(b"nistp384"), string(&raw(jwk)?)].concat()),
        ("OKP", Some("Ed25519")) => ("ssh-ed25519", string(&raw(jwk)?)),
        _ => return None,
    };
    Some(format!("{kind} {}", STANDARD.encode([string(kind.as_bytes()), rest].concat())))
}

/// A certificate of a P-256 key (as `SubjectPublicKeyInfo`) by itself (RFC 5280 §4.1). `sign` gives r and s, 32 bytes
/// each.
pub(super) fn self_signed(public_key: &[u8], sign: impl Fn(&[u8]) -> Vec<u8>) -> Option<Vec<u8>> {
    // CN=attacker: SET of SEQUENCE of OID 2.5.4.3 and UTF8String.
    let common_name = sequence(&[vec![0x06, 0x03, 0x55, 0x04, 0x03], tagged(0x0c, b"attacker")].concat());
    let name = sequence(&tagged(0x31, &common_name));
    let validity = sequence(&[tagged(0x17, b"200101000000Z"), tagged(0x17, b"491231235959Z")].concat());
    let version = tagged(0xa0, &integer(&[2]));
    let fields = [version, integer(&[1]), ECDSA_SHA256.to_vec(), name.clone(), validity, name, public_key.to_vec()];
    let certificate = sequence(&fields.concat());
    let signature = sign(&certificate);
    let (r, s) = signature.split_at_checked(32)?;
    let signature = sequence(&[number(r), number(s)].concat());
    Some(sequence(&[certificate, ECDSA_SHA256.to_vec(), bit_string(&signature)].concat()))
}

/// PEM with 64 characters a line and a newline at the end (RFC 7468 §2).
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut lines = vec![format!("-----BEGIN {label}-----")];
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        lines.push(line.to_owned());
        rest = more;
    }
    lines.push(format!("-----END {label}-----\n"));
    lines.join("\n")
}

fn text<'a>(jwk: &'a Value, name: &str) -> Option<&'a str> {
    jwk.get(name).and_then(Value::as_str)
}

fn bytes(jwk: &Value, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text(jwk, name)?).ok()
}

fn bit_string(content: &[u8]) -> Vec<u8> {
    tagged(0x03, &[&[0], content].concat())
}

/// An INTEGER without the leading zeros of a fixed length (X.690 §8.3.2).
fn number(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len().saturating_sub(1));
    integer(bytes.get(start..).unwrap_or_default())
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
        assert_eq!(pem("PUBLIC KEY", &der), expected);
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
