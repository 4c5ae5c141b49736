//! A published key taken for a shared secret (RFC 8725 §2.1), in every form in which libraries and teams keep it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::held::hmac_signature;
use super::{BASE64URL, Materials, Parts, der, published_key};

/// Something public that a verifier may take for a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicSecret {
    /// The published key as PEM, newline at the end.
    Pem,
    /// The same without that newline.
    PemTrimmed,
    /// The same with the line ends of Windows.
    PemCrlf,
    /// The same with its base64 on one line, as an environment variable holds it.
    PemOneLine,
    /// The base64 alone, as Keycloak's console shows it.
    PemBody,
    /// An RSA key in the PEM of PKCS#1.
    Pkcs1,
    /// The line of an SSH key file (RFC 4253 §6.6, RFC 5656 §3.1).
    Ssh,
    /// The published key as DER.
    Der,
    /// The bare point or modulus.
    Raw,
    /// The published key as it stands in the JWKS.
    Jwk,
    /// Only its required members, in lexical order (RFC 7638 §3).
    JwkRequired,
    /// The name of the key.
    KeyId,
    /// Nothing.
    Empty,
}

/// HMAC (algorithm) with a public thing as secret.
pub(super) fn with_public_secret(
    parts: &Parts<'_>,
    (algorithm, secret): (&str, PublicSecret),
    materials: &Materials<'_>,
) -> Result<String, String> {
    let key = public_secret(parts, secret, materials.published)?;
    let message = parts.with_header(|header| drop(header.insert("alg".to_owned(), json!(algorithm))));
    let tag = hmac_signature(algorithm, &key, &message).ok_or("no such HMAC")?;
    Ok(format!("{message}.{}", BASE64URL.encode(tag)))
}

fn public_secret(parts: &Parts<'_>, secret: PublicSecret, published: &[String]) -> Result<Vec<u8>, String> {
    if secret == PublicSecret::Empty {
        return Ok(Vec::new());
    }
    let (text, key) = published_key(parts, published)?;
    let unknown = "the published key has no such form";
    let der = || der::public_key(&key).ok_or(unknown);
    let pem = || der().map(|der| der::pem("PUBLIC KEY", &der));
    Ok(match secret {
        PublicSecret::Empty => Vec::new(),
        PublicSecret::Pem => pem()?.into_bytes(),
        PublicSecret::PemTrimmed => pem()?.trim_end().to_owned().into_bytes(),
        PublicSecret::PemCrlf => pem()?.replace('\n', "\r\n").into_bytes(),
        PublicSecret::PemOneLine => {
            format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der()?)).into_bytes()
        }
        PublicSecret::PemBody => STANDARD.encode(der()?).into_bytes(),
        PublicSecret::Pkcs1 => der::pem("RSA PUBLIC KEY", &der::pkcs1(&key).ok_or(unknown)?).into_bytes(),
        PublicSecret::Ssh => der::ssh(&key).ok_or(unknown)?.into_bytes(),
        PublicSecret::Der => der()?,
        PublicSecret::Raw => der::raw(&key).ok_or(unknown)?,
        PublicSecret::Jwk => text.as_bytes().to_vec(),
        PublicSecret::JwkRequired => required(&key).ok_or(unknown)?.into_bytes(),
        PublicSecret::KeyId => key.get("kid").and_then(Value::as_str).ok_or(unknown)?.as_bytes().to_vec(),
    })
}

/// RFC 7638 §3.2.
fn required(key: &Value) -> Option<String> {
    let names: &[&str] = match key.get("kty")?.as_str()? {
        "EC" => &["crv", "kty", "x", "y"],
        "RSA" => &["e", "kty", "n"],
        "OKP" => &["crv", "kty", "x"],
        _ => return None,
    };
    let members: Option<Vec<String>> =
        names.iter().map(|name| Some(format!("\"{name}\":{}", key.get(*name)?))).collect();
    Some(format!("{{{}}}", members?.join(",")))
}
