//! The policies in force, where they came from, and what is wrong with the last edit.
//!
//! A broken set never replaces a sound one. Must not know HTTP, nor when files are looked at.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::config::Policies;
use crate::policy::{Engine, PolicyErrors, PolicyProblem};

/// Policies and their state.
pub(crate) struct PolicyStore(RwLock<Inner>);

struct Inner {
    engine: Arc<Engine>,
    /// What a reset goes back to: the configuration, or the newest sound edit of the files.
    seed: Arc<Engine>,
    status: Status,
}

/// Where the policies in force came from, and how the last edit went.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Status {
    /// Who brought them.
    pub(crate) source: Source,
    /// When they came into force.
    pub(crate) loaded: Timestamp,
    /// What is wrong with the newest edit of the files, which is therefore not in force; none when all is well.
    pub(crate) problems: Vec<PolicyProblem>,
    /// How long it took to parse, validate and swap the last edit, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reload_us: Option<u64>,
}

/// Who brought the policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// The configuration at start, or a reset.
    Seed,
    /// An edit of the watched files.
    Files,
    /// `PUT /control/v1/policies`.
    Control,
}

impl PolicyStore {
    /// Starts with policies that were loaded already.
    pub(crate) fn new(engine: Engine, now: Timestamp) -> Self {
        let engine = Arc::new(engine);
        let status = Status { source: Source::Seed, loaded: now, problems: Vec::new(), reload_us: None };
        Self(RwLock::new(Inner { seed: Arc::clone(&engine), engine, status }))
    }

    /// The policies in force.
    pub(crate) fn engine(&self) -> Arc<Engine> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).engine)
    }

    /// How things stand.
    pub(crate) fn status(&self) -> Status {
        self.0.read().unwrap_or_else(PoisonError::into_inner).status.clone()
    }

    /// Puts a set of the control interface in force; a wrong set changes nothing.
    pub(crate) fn replace(&self, policies: &Policies, now: Timestamp) -> Result<Arc<Engine>, PolicyErrors> {
        let engine = Arc::new(Engine::new(policies)?);
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        inner.engine = Arc::clone(&engine);
        inner.status = Status { source: Source::Control, loaded: now, problems: Vec::new(), reload_us: None };
        Ok(engine)
    }

    /// Puts an edit of the files in force; of a broken one only its problems are kept.
    pub(crate) fn edited(&self, result: Result<Engine, PolicyErrors>, (now, took): (Timestamp, Duration)) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(engine) => {
                let engine = Arc::new(engine);
                inner.seed = Arc::clone(&engine);
                inner.engine = engine;
                let reload_us = Some(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
                inner.status = Status { source: Source::Files, loaded: now, problems: Vec::new(), reload_us };
            }
            Err(errors) => inner.status.problems = errors.0,
        }
    }

    /// Back to the configuration, or to the newest sound edit of the files.
    pub(crate) fn reset(&self, now: Timestamp) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        inner.engine = Arc::clone(&inner.seed);
        inner.status.source = Source::Seed;
        inner.status.loaded = now;
    }
}
