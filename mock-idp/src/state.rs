//! What every request can reach. Must not know routes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::clock::{AdjustableClock, Clock, SystemClock};
use crate::config::Config;
use crate::directory::{self, Directory, People};
use crate::error::{Code, Error, Refused};
use crate::faults::Faults;
use crate::findings::{Findings, Leniency};
use crate::flow::authorize::Front;
use crate::flow::client::Desk;
use crate::flow::nonce::Nonces;
use crate::journal::Journal;
use crate::keys::{Algorithm, KeyRing, Made, SigningKey};
use crate::random;
use crate::store::{Clients, Store};

/// How an issuer gets its directory.
type DirectoryOf<'a> = dyn Fn(&Config) -> Result<Arc<dyn Directory>, Error> + 'a;

/// A provider, ready to answer; [`crate::app`] gives it its routes.
pub struct Provider {
    pub(crate) config: Config,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) store: Store,
    pub(crate) journal: Journal,
    pub(crate) findings: Findings,
    pub(crate) faults: Faults,
    pub(crate) people: People,
    pub(crate) clock: Arc<AdjustableClock>,
    /// Providers of the same origin under paths of their own.
    pub(crate) issuers: Vec<Arc<Provider>>,
    other_keys: Mutex<BTreeMap<Algorithm, Arc<SigningKey>>>,
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
        Self::build(config, directory, Arc::new(SystemClock), &directory::from_config)
    }

    /// A provider with a directory and a clock of the caller's.
    ///
    /// # Errors
    /// When the configuration or its signing key cannot be used.
    pub fn with(config: Config, directory: Arc<dyn Directory>, clock: Arc<dyn Clock>) -> Result<Arc<Self>, Error> {
        config.check()?;
        let same = Arc::clone(&directory);
        Self::build(config, directory, clock, &|_| Ok(Arc::clone(&same)))
    }

    fn build(
        mut config: Config,
        directory: Arc<dyn Directory>,
        clock: Arc<dyn Clock>,
        directory_of: &DirectoryOf<'_>,
    ) -> Result<Arc<Self>, Error> {
        let mut issuers = Vec::new();
        for issuer in std::mem::take(&mut config.issuers) {
            let issuer = issuer.inheriting(&config);
            let directory = directory_of(&issuer)?;
            issuers.push(Self::build(issuer, directory, Arc::clone(&clock), directory_of)?);
        }
        let clock = Arc::new(AdjustableClock::new(clock));
        Ok(Arc::new(Self {
            keys: Arc::new(KeyRing::new(&config)?),
            store: Store::new(Clients::new(&config.clients)),
            journal: Journal::new(),
            findings: Findings::new(),
            faults: Faults::new(),
            people: People::new(directory, Arc::clone(&clock)),
            clock,
            issuers,
            other_keys: Mutex::new(BTreeMap::new()),
            nonces: OnceLock::new(),
            audiences: vec![config.issuer.clone(), format!("{}/token", config.issuer.trim_end_matches('/'))],
            config,
        }))
    }

    /// Now, in seconds, as this issuer sees it.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }

    /// How much is forgiven, at this moment.
    pub(crate) fn leniency(&self) -> Leniency<'_> {
        Leniency { mode: self.config.mode, findings: &self.findings, now: self.now() }
    }

    /// The key that signs with an algorithm, or with the standard one. The first one is made on a thread that may take its
    /// time.
    pub(crate) async fn signer(&self, algorithm: Option<Algorithm>) -> Result<Arc<SigningKey>, Refused> {
        let algorithm = algorithm.unwrap_or(self.keys.standard());
        if let Made::Ready(key) = self.keys.current(algorithm) {
            return Ok(key);
        }
        let keys = Arc::clone(&self.keys);
        slow(move || keys.ensure(algorithm)).await
    }

    /// Waits until every configured key is made.
    pub(crate) async fn all_keys(&self) -> Result<(), Refused> {
        if self.keys.is_complete() {
            return Ok(());
        }
        let keys = Arc::clone(&self.keys);
        slow(move || keys.complete()).await
    }

    /// Makes a new current key of an algorithm.
    pub(crate) async fn rotate(&self, algorithm: Algorithm) -> Result<Arc<SigningKey>, Refused> {
        let keys = Arc::clone(&self.keys);
        slow(move || {
            // The one before has to be there, to be accepted still.
            keys.complete()?;
            keys.rotate(algorithm)
        })
        .await
    }

    /// A key that is not published, for tokens that must not be believed; made when first asked for.
    pub(crate) async fn other_key(&self, algorithm: Algorithm) -> Result<Arc<SigningKey>, Refused> {
        let kept = || self.other_keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = kept().get(&algorithm) {
            return Ok(Arc::clone(key));
        }
        let key = slow(move || SigningKey::generate(algorithm)).await?;
        Ok(Arc::clone(kept().entry(algorithm).or_insert_with(|| Arc::new(key))))
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
        Front { config: &self.config, clients: &self.store.clients, leniency: self.leniency() }
    }

    /// What client authentication needs.
    pub(crate) fn desk(&self) -> Desk<'_> {
        let (clients, seen) = (&self.store.clients, &self.store.seen);
        Desk { clients, seen, audiences: &self.audiences, leniency: self.leniency() }
    }

    /// The issuer with a path under it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.config.issuer.trim_end_matches('/'))
    }

    /// The path that the issuer itself has, without a slash at its end; empty for a bare origin.
    pub(crate) fn base_path(&self) -> String {
        self.config.base_path()
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

/// Runs what takes long where it holds no other request up.
async fn slow<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Refused> {
    let done = tokio::task::spawn_blocking(work).await.map_err(Refused::internal)?;
    done.map_err(Refused::internal)
}
