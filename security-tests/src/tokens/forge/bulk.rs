//! Tokens that are expensive to look at before anything is proven.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use base64::Engine;
use serde_json::json;

use super::{BASE64URL, Materials, Parts, encrypted};

/// What makes a token expensive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bulk {
    /// A header with lists in lists, 2,000 deep.
    Deep,
    /// A JWE whose password is to be hashed 2³¹ − 1 times (RFC 7518 §4.8.1.2).
    Pbes2,
    /// A JWE whose content grows 150 times when it is unpacked (RFC 8725 §3.6).
    Zip,
}

pub(super) fn bulk(parts: &Parts<'_>, bulk: Bulk, materials: &Materials<'_>) -> Result<String, String> {
    match bulk {
        Bulk::Deep => {
            let (open, close) = ("[".repeat(2000), "]".repeat(2000));
            let header = format!(r#"{{"alg":{},"x":{open}{close}}}"#, json!(parts.algorithm()));
            Ok(format!("{}.{}.{}", BASE64URL.encode(header), parts.payload, parts.signature))
        }
        Bulk::Pbes2 => {
            let header = json!({"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": i32::MAX,
                "p2s": BASE64URL.encode([7; 16])});
            let rest = [&[7; 24][..], &[7; 12], &[7; 32], &[7; 16]].map(|part| BASE64URL.encode(part));
            Ok(format!("{}.{}", BASE64URL.encode(header.to_string()), rest.join(".")))
        }
        Bulk::Zip => encrypted::compressed(&spaces(4000), parts, materials),
    }
}

/// DEFLATE (RFC 1951 §3.2.6, fixed codes) of one space and `runs` copies of 258 more.
fn spaces(runs: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    // The last block, with fixed codes.
    bits.push(0b1, 1);
    bits.push(0b10, 2);
    bits.code(0x30 + 0x20, 8);
    for _ in 0..runs {
        // Length 258 is symbol 285; distance 1 is symbol 0.
        bits.code(0b1100_0101, 8);
        bits.code(0, 5);
    }
    bits.code(0, 7);
    bits.bytes
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    /// A Huffman code: highest bit first (RFC 1951 §3.1.1).
    fn code(&mut self, code: u32, length: u32) {
        for at in (0..length).rev() {
            self.bit(code >> at & 1);
        }
    }

    /// A number of the format, the bits as they are written.
    fn push(&mut self, number: u32, length: u32) {
        self.code(number, length);
    }

    /// Bytes are filled from their lowest bit.
    fn bit(&mut self, bit: u32) {
        if self.used.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut()
            && bit == 1
        {
            *last |= 1 << (self.used % 8);
        }
        self.used += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_is_what_zlib_reads_as_259_spaces() {
        // `python3 -c "import zlib; print(zlib.decompress(bytes([0x53, 0x18, 0x05, 0x00]), -15) == b' ' * 259)"`
        assert_eq!(spaces(1)[..3], [0x53, 0x18, 0x05]);
        assert!(spaces(4000).len() < 7000);
    }
}
