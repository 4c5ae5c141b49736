//! What every request can reach. Must not know routes.

use std::sync::{Arc, OnceLock};

use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::directory::{self, Directory};
use crate::error::{Code, Error, Refused};
use crate::journal::Journal;
use crate::keys::SigningKey;
use crate::store::Store;

/// A provider, ready to answer; [`crate::app`] gives it its routes.
pub struct Provider {
    pub(crate) config: Config,
    pub(crate) key: SigningKey,
    pub(crate) store: Store,
    pub(crate) journal: Journal,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) clock: Arc<dyn Clock>,
    other_key: OnceLock<SigningKey>,
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
        let (store, journal, other_key) = (Store::new(), Journal::new(), OnceLock::new());
        Ok(Arc::new(Self { config, key, store, journal, directory, clock, other_key }))
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
