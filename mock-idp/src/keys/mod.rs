//! The signing keys: several at once, rotated and retired, made when they are first needed.
//!
//! Must not know what the claims mean.

mod algorithm;
mod believed;
mod pair;
mod pem;
mod ring;
mod signing;

pub use algorithm::Algorithm;
pub(crate) use ring::{KeyRing, Made, Retired};
pub use signing::generate_key;
pub(crate) use signing::{SigningFailed, SigningKey, TokenType};

use crate::error::Error;
use crate::secret::Secret;

/// Makes an ES256 signing key as PKCS#8 PEM, for a caller that keeps one per project.
///
/// # Errors
/// When the machine has no randomness to give.
pub fn generate_signing_key() -> Result<Secret, Error> {
    generate_key(Algorithm::ES256)
}
