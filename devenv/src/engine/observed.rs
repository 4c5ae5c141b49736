//! What runs, as an engine found it. Must not know how it was found.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::manifest::Restart;
use crate::plan::{Fingerprint, PublishedPort};

/// Everything of one project that exists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Containers and processes by service name.
    pub services: BTreeMap<String, ObservedService>,
    /// Networks by the manifest's name (from our label).
    pub networks: BTreeSet<String>,
    /// Named volumes by the manifest's name (from our label).
    pub volumes: BTreeSet<String>,
    /// Services that run and that nobody saw become ready, e.g. because `up` was interrupted. Engines do not know it: the
    /// caller adds it from its record.
    pub unproven: BTreeSet<String>,
}

/// One container or process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObservedService {
    /// Container id or process id.
    pub id: String,
    /// It was made with this fingerprint.
    pub fingerprint: Fingerprint,
    /// State.
    pub state: ServiceState,
    /// Ports of this machine that lead to it.
    pub ports: Vec<PublishedPort>,
    /// A process of this machine rather than a container.
    pub on_host: bool,
    /// Seconds since the epoch when it last started; 0 when never.
    pub started_at: i64,
    /// Another service whose network namespace it lives in is not the one that runs now (relays).
    pub detached: bool,
    /// What can be told of how it runs, beside its fingerprint.
    #[serde(skip)]
    pub circumstances: Circumstances,
}

/// How something runs, as far as an engine can tell: `None` where it cannot. Somebody may have changed it by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// Names that the engine has for the networks that it is in.
    pub networks: Option<BTreeSet<String>>,
    /// When it is started again by itself.
    pub restart: Option<Restart>,
}

/// State of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum ServiceState {
    /// Made, never started.
    Created,
    /// Runs.
    Running,
    /// Frozen.
    Paused,
    /// Between two attempts.
    Restarting,
    /// Ended.
    Exited {
        /// Exit code; for a signal 128 + its number.
        code: i64,
    },
    /// Something is left that can only be removed, e.g. a process whose supervisor was killed.
    Orphaned,
}
