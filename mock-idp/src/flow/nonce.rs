//! Nonces that a DPoP proof must repeat (RFC 9449 §8). Nothing is stored: a nonce is a MAC over its minute.
//!
//! Must not know proofs.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use aws_lc_rs::hmac;

use crate::jws;

/// Makes and recognises nonces with a key of this process.
pub(crate) struct Nonces {
    key: hmac::Key,
    window: i64,
}

impl Nonces {
    /// `window` in seconds; a nonce is good for one to two of it.
    pub(crate) fn new(secret: &str, window: u32) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), window: i64::from(window.max(1)) }
    }

    /// The nonce to give out now.
    pub(crate) fn current(&self, now: i64) -> String {
        self.of(now.div_euclid(self.window))
    }

    /// Whether a nonce was given out in this window or the one before.
    pub(crate) fn is_good(&self, nonce: &str, now: i64) -> bool {
        let window = now.div_euclid(self.window);
        nonce == self.of(window) || nonce == self.of(window - 1)
    }

    fn of(&self, window: i64) -> String {
        jws::encode(hmac::sign(&self.key, &window.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_outlives_its_window_by_one_and_is_of_this_process_only() {
        let (nonces, other) = (Nonces::new("a", 60), Nonces::new("b", 60));
        let nonce = nonces.current(600);
        assert!(nonces.is_good(&nonce, 659) && nonces.is_good(&nonce, 719));
        assert!(!nonces.is_good(&nonce, 720) && !other.is_good(&nonce, 600) && !nonces.is_good("", 600));
    }
}
