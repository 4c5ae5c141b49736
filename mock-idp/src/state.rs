//! What every request can reach. Must not know routes.

use std::sync::{Arc, OnceLock};

use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::directory::{self, Directory};
use crate::error::{Code, Error, Refused};
use crate::flow::authorize::Front;
use crate::flow::client::Desk;
use crate::flow::nonce::Nonces;
use crate::journal::Journal;
use crate::keys::SigningKey;
use crate::random;
use crate::store::{Clients, Store};

/// A provider, ready to answer; [`crate::app`] gives it its routes.
pub struct Provider {
    pub(crate) config: Config,
    pub(crate) key: SigningKey,
    pub(crate) store: Store,
    pub(crate) journal: Journal,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) clock: Arc<dyn Clock>,
    other_key: OnceLock<SigningKey>,
    nonces: OnceLock<Nonces>,
    /// The names that an assertion for this provider is addressed to (RFC 7523 §3 item 3).
    pub(crate) audiences: Vec<String>,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("issuer", &self.config.issuer).finish_non_exhaustive()
    }
}

impl Provider {
    /// A provider with the directory that the configuration names and the clock of this machine.
    ///
    /// # Errors
    /// When the configuration or its signing key cannot be used.
    pub fn new(config: Config) -> Result<Arc<Self>, Error> {
        config.check()?;
        let directory = directory::from_config(&config)?;
        Self::with(config, directory, Arc::new(SystemClock))
    }

    /// A provider with a directory and a clock of the caller's.
    ///
    /// # Errors
    /// When the configuration or its signing key cannot be used.
    pub fn with(config: Config, directory: Arc<dyn Directory>, clock: Arc<dyn Clock>) -> Result<Arc<Self>, Error> {
        config.check()?;
        let key = match &config.signing_key {
            Some(pem) => SigningKey::from_pem(pem)?,
            None => SigningKey::generate()?,
        };
        let (store, journal) = (Store::new(Clients::new(&config.clients)), Journal::new());
        let (other_key, nonces) = (OnceLock::new(), OnceLock::new());
        let audiences = vec![config.issuer.clone(), format!("{}/token", config.issuer.trim_end_matches('/'))];
        Ok(Arc::new(Self { config, key, store, journal, directory, clock, other_key, nonces, audiences }))
    }

    /// Now, in seconds.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }

    /// A key that is not published, for tokens that must not be believed; made when first asked for.
    pub(crate) fn other_key(&self) -> Result<&SigningKey, Refused> {
        if let Some(key) = self.other_key.get() {
            return Ok(key);
        }
        let key = SigningKey::generate().map_err(Refused::internal)?;
        Ok(self.other_key.get_or_init(|| key))
    }

    /// The nonces of this process; its key is made when first asked for, not on the start path.
    pub(crate) fn nonces(&self) -> Result<&Nonces, Refused> {
        if let Some(nonces) = self.nonces.get() {
            return Ok(nonces);
        }
        let secret = random::bearer_value().map_err(Refused::internal)?;
        Ok(self.nonces.get_or_init(|| Nonces::new(&secret, self.config.dpop.lifetime_seconds)))
    }

    /// What the authorization endpoint knows when a request arrives.
    pub(crate) fn front(&self) -> Front<'_> {
        Front { config: &self.config, clients: &self.store.clients, now: self.now() }
    }

    /// What client authentication needs.
    pub(crate) fn desk(&self) -> Desk<'_> {
        Desk { clients: &self.store.clients, seen: &self.store.seen, audiences: &self.audiences, now: self.now() }
    }

    /// The issuer with a path under it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.config.issuer.trim_end_matches('/'))
    }

    /// The answer while the directory is down: nobody is anybody, so nothing is granted.
    pub(crate) fn directory_down(error: &directory::DirectoryError) -> Refused {
        tracing::warn!(%error, "the directory gave no answer, the request is refused");
        Refused::new(
            Code::TemporarilyUnavailable,
            "RFC 6749 section 4.1.2.1",
            format!("the directory cannot say who this is, so nobody can log in now: {error}"),
        )
    }
}
