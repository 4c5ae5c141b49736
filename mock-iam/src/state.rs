//! What the endpoints share: the directory, the policies, the callers, the log.
//!
//! Must not know HTTP.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use jiff::Timestamp;
use serde_json::{Map, Value};
use url::Url;

use crate::adapt::{EntityTypes, adapt};
use crate::config::{Caller, Config, Github, Policies, PolicyDirectory, SeedResource};
use crate::directory::{Directory, Name, Resource};
use crate::error::Error;
use crate::events::signer::Signer;
use crate::events::{self, Events, changes};
use crate::faults::Faults;
use crate::log::DecisionLog;
use crate::policy::{Engine, PolicyErrors, Question};
use crate::policy_store::PolicyStore;
use crate::seen::Seen;
use crate::sts::Sts;
use crate::watch;

/// The state of a server; clones share it.
#[derive(Clone)]
pub struct State(Arc<Inner>);

struct Inner {
    base_url: Url,
    callers: BTreeMap<String, Caller>,
    seed: Directory,
    directory: RwLock<Arc<Directory>>,
    policies: PolicyStore,
    watched: Option<PolicyDirectory>,
    seen: Seen,
    sts: Sts,
    github: Option<Github>,
    workflow_keys: OnceLock<Signer>,
    events: Arc<Events>,
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
        let policies = initial(&config)?;
        let engine = Engine::new(policies.as_ref())?;
        for warning in engine.warnings() {
            tracing::warn!("{warning}");
        }
        let resources = config.resources.into_iter().map(|resource| {
            let SeedResource { kind, id, attributes, parents } = resource;
            (Name { kind, id }, Resource { attributes, parents })
        });
        let seed = Directory::seed(&config.personas, Timestamp::now()).with_resources(resources);
        let events = Events::new(config.base_url.trim_end_matches('/').to_owned(), config.subject_issuer);
        Ok(Self(Arc::new(Inner {
            events,
            base_url,
            callers: config.callers,
            directory: RwLock::new(Arc::new(seed.clone())),
            seed,
            policies: PolicyStore::new(engine, Timestamp::now()),
            watched: config.policy_directory,
            seen: Seen::default(),
            sts: Sts::new(&config.sts)?,
            github: config.github,
            workflow_keys: OnceLock::new(),
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
        let events = &self.0.events;
        let before = events.wanted().then(|| Arc::clone(&directory));
        let now = Timestamp::now();
        let result = change(Arc::make_mut(&mut directory), now);
        if let Some(before) = before {
            let subject = |name: &str| events.subject(name);
            events.publish(&changes::between(&before, &directory, subject, now.as_second()), now);
        }
        result
    }

    pub(crate) fn policies(&self) -> &PolicyStore {
        &self.0.policies
    }

    /// The directory of policies to watch, if there is one.
    pub(crate) fn watched(&self) -> Option<&PolicyDirectory> {
        self.0.watched.as_ref()
    }

    pub(crate) fn seen(&self) -> &Seen {
        &self.0.seen
    }

    /// Everything back to the configuration; the log stays, because what was decided was decided.
    pub(crate) fn reset(&self) {
        self.0.faults.clear();
        self.set_circumstances(Map::new());
        self.change(|directory, _| directory.reset(&self.0.seed));
        self.0.policies.reset(Timestamp::now());
    }

    pub(crate) fn events(&self) -> &Arc<Events> {
        &self.0.events
    }

    pub(crate) fn github(&self) -> Option<&Github> {
        self.0.github.as_ref()
    }

    /// The keys of GitHub Actions' provider.
    pub(crate) async fn workflow_keys(&self) -> Option<&Signer> {
        events::made(&self.0.workflow_keys).await
    }

    pub(crate) fn sts(&self) -> &Sts {
        &self.0.sts
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

/// The policies to start with: those of the configuration; without any, those of the directory.
fn initial(config: &Config) -> Result<Cow<'_, Policies>, PolicyErrors> {
    match &config.policy_directory {
        Some(directory) if config.policies.files.is_empty() => watch::read(directory).map(Cow::Owned),
        _ => Ok(Cow::Borrowed(&config.policies)),
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
