//! Which keys sign. Must not know how a key is made.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::keys::Algorithm;
use crate::secret::Secret;

/// The signing keys of a provider.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// What signs access tokens, and ID tokens of clients that ask for nothing else.
    pub algorithm: Algorithm,
    /// Further algorithms to have a key of from the start; RSA keys are made in the background. An algorithm that a
    /// client names is had without being listed.
    pub also: Vec<Algorithm>,
    /// Keys to sign with, oldest first; the newest of an algorithm signs.
    pub pem: Vec<GivenKey>,
    /// Where keys that are made here are kept; without it they end with the process.
    pub directory: Option<PathBuf>,
}

/// A key that was made elsewhere.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenKey {
    /// What it signs with. An RSA key can do two, and must say which.
    pub algorithm: Algorithm,
    /// PKCS#8 PEM.
    pub pem: Secret,
}
