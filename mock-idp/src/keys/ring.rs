//! Every key that the provider signs or signed with. The newest of an algorithm signs; the older ones are published and
//! accepted until they are retired (OpenID Connect Core §10.1.1).
//!
//! Must not know who asks for a rotation.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use serde_json::{Value, json};

use super::algorithm::Algorithm;
use super::believed::{Believed, Mark};
use super::signing::{SigningKey, TokenType};
use crate::config::{Config, Keys};
use crate::error::Error;
use crate::jws;

/// The keys, oldest first.
pub(crate) struct KeyRing {
    keys: RwLock<Vec<Arc<SigningKey>>>,
    /// Held while a key is made, so that two requests that need the first one make one.
    making: Mutex<()>,
    believed: Believed,
    standard: Algorithm,
    also: Vec<Algorithm>,
    directory: Option<PathBuf>,
}

/// A key that is there, or that has to be made first on a thread that may take its time.
pub(crate) enum Made {
    Ready(Arc<SigningKey>),
    NotYet,
}

impl KeyRing {
    /// Reads the configured and the kept keys, and makes none: even a quick one costs 30 ms as the first of a process,
    /// whose randomness has to be gathered. [`KeyRing::complete`] makes them, and whoever needs one before that waits.
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let Keys { algorithm, also, pem, directory } = &config.keys;
        let mut keys = Vec::new();
        if let Some(text) = &config.signing_key {
            keys.push(Arc::new(SigningKey::from_pem(Algorithm::ES256, text)?));
        }
        for given in pem {
            keys.push(Arc::new(SigningKey::from_pem(given.algorithm, &given.pem)?));
        }
        if let Some(directory) = directory {
            kept::prepare(directory)?;
            keys.extend(kept::read(directory)?.into_iter().map(Arc::new));
        }
        let asked = config.clients.values().filter_map(|client| client.id_token_signed_response_alg);
        let mut also: Vec<Algorithm> = also.iter().copied().chain(asked).filter(|other| other != algorithm).collect();
        also.sort_unstable();
        also.dedup();
        Ok(Self {
            keys: RwLock::new(keys),
            making: Mutex::new(()),
            believed: Believed::new(),
            standard: *algorithm,
            also,
            directory: directory.clone(),
        })
    }

    /// What signs access tokens, and ID tokens of clients that ask for nothing else.
    pub(crate) fn standard(&self) -> Algorithm {
        self.standard
    }

    /// The current key of an algorithm.
    pub(crate) fn current(&self, algorithm: Algorithm) -> Made {
        let newest = self.read().iter().rev().find(|key| key.algorithm() == algorithm).cloned();
        newest.map_or(Made::NotYet, Made::Ready)
    }

    /// The current key of an algorithm, made now if there is none. Blocks as long as that takes.
    pub(crate) fn ensure(&self, algorithm: Algorithm) -> Result<Arc<SigningKey>, Error> {
        let _one_at_a_time = self.making();
        match self.current(algorithm) {
            Made::Ready(key) => Ok(key),
            Made::NotYet => self.add(algorithm),
        }
    }

    /// Makes every configured key that is not there. Blocks as long as that takes.
    pub(crate) fn complete(&self) -> Result<(), Error> {
        self.wanted().try_for_each(|algorithm| self.ensure(algorithm).map(drop))
    }

    /// Whether every configured key is there.
    pub(crate) fn is_complete(&self) -> bool {
        self.wanted().all(|algorithm| matches!(self.current(algorithm), Made::Ready(_)))
    }

    /// Makes a new current key; the one before stays published and accepted. Blocks as long as that takes.
    pub(crate) fn rotate(&self, algorithm: Algorithm) -> Result<Arc<SigningKey>, Error> {
        let _one_at_a_time = self.making();
        self.add(algorithm)
    }

    /// Takes a key out: what it signed is not believed any more. The last key of the standard algorithm stays, because
    /// a provider without one cannot answer.
    pub(crate) fn retire(&self, key_id: &str) -> Retired {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let Some(index) = keys.iter().position(|key| key.key_id() == key_id) else { return Retired::Unknown };
        let of_standard = |key: &&Arc<SigningKey>| key.algorithm() == self.standard;
        let is_standard = keys.get(index).as_ref().is_some_and(of_standard);
        if is_standard && keys.iter().filter(of_standard).count() == 1 {
            return Retired::IsTheLast;
        }
        let gone = keys.remove(index);
        if let Some(directory) = &self.directory {
            kept::remove(directory, &gone);
        }
        Retired::Done
    }

    /// The payload of a token of this type that one of the keys signed, and nothing else.
    pub(crate) fn verify(&self, token: &str, kind: TokenType) -> Option<Vec<u8>> {
        let compact = jws::parse(token)?;
        let kid = compact.header.kid.as_deref()?;
        let key = self.read().iter().find(|key| key.key_id() == kid).cloned()?;
        let mark = Mark::of(token);
        if self.believed.has(mark) {
            return key.is_meant(&compact, kind).then_some(compact.payload);
        }
        let payload = key.verify_parsed(compact, kind)?;
        self.believed.remember(mark);
        Some(payload)
    }

    /// The JWK Set with the public halves, newest first (RFC 7517 §5).
    pub(crate) fn jwk_set(&self) -> Value {
        let keys: Vec<Value> = self.read().iter().rev().map(|key| key.jwk().clone()).collect();
        json!({ "keys": keys })
    }

    /// Every key with what it does, newest first.
    pub(crate) fn describe(&self) -> Vec<Value> {
        let keys = self.read();
        let is_current = |key: &Arc<SigningKey>| {
            let newest = keys.iter().rev().find(|other| other.algorithm() == key.algorithm());
            newest.is_some_and(|newest| newest.key_id() == key.key_id())
        };
        let describe = |key: &Arc<SigningKey>| {
            let state = if is_current(key) { "signs" } else { "accepted" };
            json!({"kid": key.key_id(), "alg": key.algorithm(), "state": state})
        };
        keys.iter().rev().map(describe).collect()
    }

    fn add(&self, algorithm: Algorithm) -> Result<Arc<SigningKey>, Error> {
        let key = Arc::new(SigningKey::generate(algorithm)?);
        if let Some(directory) = &self.directory {
            kept::write(directory, &key)?;
        }
        self.keys.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&key));
        Ok(key)
    }

    fn wanted(&self) -> impl Iterator<Item = Algorithm> {
        std::iter::once(self.standard).chain(self.also.iter().copied())
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Arc<SigningKey>>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn making(&self) -> MutexGuard<'_, ()> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came of retiring a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retired {
    Done,
    Unknown,
    IsTheLast,
}

/// Keys in a directory of their own, one file each, readable by their owner only.
mod kept {
    use std::fs::{self, OpenOptions};
    use std::io::{ErrorKind, Write as _};
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    use std::path::{Path, PathBuf};
    use std::time::SystemTime;

    use super::{Algorithm, SigningKey};
    use crate::error::Error;
    use crate::secret::Secret;

    /// The keys of earlier runs, oldest first.
    pub(super) fn read(directory: &Path) -> Result<Vec<SigningKey>, Error> {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unusable(directory, &error)),
        };
        let mut found: Vec<(SystemTime, String, SigningKey)> = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| unusable(directory, &error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(algorithm) = algorithm_of(&name) else { continue };
            let text = fs::read_to_string(entry.path()).map_err(|error| unusable(&entry.path(), &error))?;
            let age = entry.metadata().and_then(|about| about.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            found.push((age, name, SigningKey::from_pem(algorithm, &Secret::new(text))?));
        }
        found.sort_by(|left, right| (left.0, &left.1).cmp(&(right.0, &right.1)));
        Ok(found.into_iter().map(|(_, _, key)| key).collect())
    }

    /// Makes the directory, so that one that cannot be is an error at the start and not at the first key.
    pub(super) fn prepare(directory: &Path) -> Result<(), Error> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(|error| unusable(directory, &error))
    }

    /// Written beside and renamed: a killed process leaves no half key.
    pub(super) fn write(directory: &Path, key: &SigningKey) -> Result<(), Error> {
        prepare(directory)?;
        let (path, beside) = (path(directory, key), path(directory, key).with_extension("new"));
        let pem = key.to_pem()?;
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)
            .and_then(|mut file| file.write_all(pem.expose().as_bytes()))
            .and_then(|()| fs::rename(&beside, &path));
        written.map_err(|error| unusable(&path, &error))
    }

    pub(super) fn remove(directory: &Path, key: &SigningKey) {
        if let Err(error) = fs::remove_file(path(directory, key))
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(%error, kid = key.key_id(), "the file of a retired key could not be removed");
        }
    }

    fn path(directory: &Path, key: &SigningKey) -> PathBuf {
        directory.join(format!("{}.{}.pem", key.algorithm().as_str(), key.key_id()))
    }

    fn algorithm_of(name: &str) -> Option<Algorithm> {
        let (algorithm, rest) = name.split_once('.')?;
        rest.ends_with(".pem").then(|| Algorithm::named(algorithm))?
    }

    fn unusable(path: &Path, error: &std::io::Error) -> Error {
        Error::Config(format!("the key store `{}` cannot be used: {error}", path.display()))
    }
}
