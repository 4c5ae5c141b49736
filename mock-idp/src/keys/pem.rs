//! PKCS#8 keys as PEM text (RFC 5958, RFC 7468 §10), in and out. Must not know what a key signs.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::Error;
use crate::secret::Secret;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// The bytes inside a PEM block.
pub(crate) fn decode(pem: &Secret) -> Result<Vec<u8>, Error> {
    let block = pem.expose().trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
    let body = block.ok_or(Error::Key { problem: "it is not a PEM `PRIVATE KEY` block" })?;
    let text: String = body.split_whitespace().collect();
    STANDARD.decode(text).map_err(|_| Error::Key { problem: "its base64 is broken" })
}

/// A private key as a PEM block.
pub(crate) fn encode(der: &[u8]) -> Secret {
    Secret::new(block("PRIVATE KEY", der))
}

/// A PEM block with these bytes.
pub(crate) fn block(label: &str, der: &[u8]) -> String {
    let mut pem = format!("-----BEGIN {label}-----\n");
    // RFC 7468 §2: 64 characters to a line.
    for (index, character) in STANDARD.encode(der).chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str(&format!("\n-----END {label}-----\n"));
    pem
}
