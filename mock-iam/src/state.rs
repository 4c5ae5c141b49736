//! What the endpoints share: the directory, the policies, the callers, the log.
//!
//! Must not know HTTP.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use serde_json::{Map, Value};
use url::Url;

use crate::adapt::{EntityTypes, adapt};
use crate::config::{Caller, Config, Policies, SeedResource};
use crate::directory::{Directory, Name, Resource};
use crate::error::Error;
use crate::faults::Faults;
use crate::log::DecisionLog;
use crate::policy::{Engine, PolicyErrors, Question};

/// The state of a server; clones share it.
#[derive(Clone)]
pub struct State(Arc<Inner>);

struct Inner {
    base_url: Url,
    callers: BTreeMap<String, Caller>,
    seed: Directory,
    directory: RwLock<Arc<Directory>>,
    seed_engine: Arc<Engine>,
    engine: RwLock<Arc<Engine>>,
    log: DecisionLog,
    entity_types: EntityTypes,
    circumstances: RwLock<Arc<Map<String, Value>>>,
    faults: Faults,
}

impl State {
    /// Builds the state: seeds the directory, loads the policies, opens the log.
    ///
    /// # Errors
    /// Wrong policies, a wrong base URL, a log that cannot be opened.
    pub fn new(config: Config) -> Result<Self, Error> {
        let base_url = config.base_url.parse();
        let base_url = base_url.map_err(|source| Error::BaseUrl { text: config.base_url.clone(), source })?;
        check_tokens(&config.callers)?;
        let engine = Arc::new(Engine::new(&config.policies)?);
        for warning in engine.warnings() {
            tracing::warn!("{warning}");
        }
        let resources = config.resources.into_iter().map(|resource| {
            let SeedResource { kind, id, attributes, parents } = resource;
            (Name { kind, id }, Resource { attributes, parents })
        });
        let seed = Directory::seed(&config.personas, Timestamp::now()).with_resources(resources);
        Ok(Self(Arc::new(Inner {
            base_url,
            callers: config.callers,
            directory: RwLock::new(Arc::new(seed.clone())),
            seed,
            seed_engine: Arc::clone(&engine),
            engine: RwLock::new(engine),
            log: DecisionLog::open(config.decision_log.as_deref(), config.decision_log_rotation)?,
            entity_types: config.entity_types,
            circumstances: RwLock::default(),
            faults: Faults::default(),
        })))
    }

    pub(crate) fn base_url(&self) -> &Url {
        &self.0.base_url
    }

    /// An absolute URL of a path of this server; the path begins with a slash.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0.base_url.as_str().trim_end_matches('/'))
    }

    /// The caller of this bearer token. All tokens are compared: the time tells nothing about which one was near.
    pub(crate) fn caller(&self, token: &str) -> Option<(&str, &Caller)> {
        let callers = self.0.callers.iter();
        callers.fold(None, |found, (name, caller)| match caller.token.matches(token) {
            true => Some((name.as_str(), caller)),
            false => found,
        })
    }

    /// The user that a caller acts for.
    pub(crate) fn user_of(&self, caller: &str) -> Option<&str> {
        self.0.callers.get(caller)?.user.as_deref()
    }

    pub(crate) fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.0.directory.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the directory; readers keep the snapshot that they have.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Directory, Timestamp) -> T) -> T {
        let mut directory = self.0.directory.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut directory), Timestamp::now())
    }

    pub(crate) fn engine(&self) -> Arc<Engine> {
        Arc::clone(&self.0.engine.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the policies; a wrong set changes nothing.
    pub(crate) fn replace_policies(&self, policies: &Policies) -> Result<Arc<Engine>, PolicyErrors> {
        let engine = Arc::new(Engine::new(policies)?);
        *self.0.engine.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&engine);
        Ok(engine)
    }

    /// Everything back to the configuration; the log stays, because what was decided was decided.
    pub(crate) fn reset(&self) {
        self.0.faults.clear();
        self.set_circumstances(Map::new());
        self.change(|directory, _| directory.reset(&self.0.seed));
        *self.0.engine.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&self.0.seed_engine);
    }

    /// Puts a caller's question into the words of the policies, under the circumstances that are set.
    pub(crate) fn adapt(&self, question: &mut Question) {
        adapt(question, &self.0.entity_types, &self.circumstances());
    }

    /// Context values that win over those of callers.
    pub(crate) fn circumstances(&self) -> Arc<Map<String, Value>> {
        Arc::clone(&self.0.circumstances.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_circumstances(&self, circumstances: Map<String, Value>) {
        *self.0.circumstances.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(circumstances);
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.0.faults
    }

    pub(crate) fn log(&self) -> &DecisionLog {
        &self.0.log
    }
}

/// Each caller has a token of its own.
fn check_tokens(callers: &BTreeMap<String, Caller>) -> Result<(), Error> {
    let mut seen: Vec<(&String, &Caller)> = Vec::new();
    for (name, caller) in callers {
        if caller.token.expose().is_empty() {
            return Err(Error::EmptyToken { caller: name.clone() });
        }
        if let Some((first, _)) = seen.iter().find(|(_, other)| other.token == caller.token) {
            return Err(Error::SharedToken { first: (*first).clone(), second: name.clone() });
        }
        seen.push((name, caller));
    }
    Ok(())
}
