//! Unguessable values. Must not know what they are for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The machine has no randomness to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system's random number generator failed")]
pub(crate) struct NoRandomness;

/// 256 random bits, base64url: a bearer value that nobody guesses (RFC 6749 §10.10 asks for 128 at least).
pub(crate) fn bearer_value() -> Result<String, NoRandomness> {
    random::<32>()
}

/// 128 random bits, base64url: an identifier that is unique, not secret.
pub(crate) fn identifier() -> Result<String, NoRandomness> {
    random::<16>()
}

/// A code for people to type (RFC 8628 §6.1): eight letters without vowels, so that no word comes out.
pub(crate) fn user_code() -> Result<String, NoRandomness> {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    let mut code = String::with_capacity(9);
    while code.len() < 9 {
        let mut bytes = [0_u8; 32];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
        // 240 is a multiple of 20: the rest would make the first letters likelier.
        for letter in
            bytes.into_iter().filter(|byte| *byte < 240).filter_map(|byte| LETTERS.get(usize::from(byte) % 20))
        {
            match code.len() {
                4 => code.extend(['-', char::from(*letter)]),
                0..9 => code.push(char::from(*letter)),
                _ => break,
            }
        }
    }
    Ok(code)
}

fn random<const BYTES: usize>() -> Result<String, NoRandomness> {
    let mut bytes = [0_u8; BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
