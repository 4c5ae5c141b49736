//! What is random here, and how a text is wounded. Must not know what the texts are for.

use crate::requests::SEEDS;

/// Fragments that have broken parsers before.
const NASTY: [&[u8]; 24] = [
    b"%",
    b"%0",
    b"%00",
    b"%ff%fe",
    b"&&&==&",
    b"..",
    b"=",
    b"+",
    b"\r\nX: 1",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"{\"a\":",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"1e999999",
    b"-0",
    b"99999999999999999999",
    b"null",
    b"\"\\ud800\"",
    b"eyJhbGciOiJub25lIn0.e30.",
    b"javascript:alert(1)",
    b"http://[::1",
    b"//evil.example",
    b"#",
    b"\xf0\x9f\x92\xa9",
];

/// SplitMix64: small, and the same on every machine.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end` - 1.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

/// The text with up to five wounds.
pub(crate) fn mutate(random: &mut Random, text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..random.below(6) {
        let at = random.below(bytes.len() + 1);
        match random.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 => drop(bytes.splice(at..at, NASTY[random.below(NASTY.len())].iter().copied())),
            3 => bytes.truncate(at),
            4 => {
                let end = (at + random.below(40)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                for _ in 0..random.below(20) {
                    bytes.splice(at..at, piece.iter().copied());
                }
            }
            5 => bytes.insert(at, u8::try_from(random.below(256)).unwrap()),
            _ => {
                let other = SEEDS[random.below(SEEDS.len())];
                let text = if other.body.is_empty() { other.target } else { other.body };
                bytes.splice(at..at, text.as_bytes().iter().copied());
            }
        }
    }
    bytes
}
