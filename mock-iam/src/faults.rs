//! Failures on request: what a caller must survive, so that its tests can make it happen (down, slow, 500, nonsense).
//!
//! Must not know HTTP frameworks or what the endpoints do.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest delay: a test that forgot to reset must not hang for ever.
const LONGEST: Duration = Duration::from_secs(60);

/// A failure, as `POST /control/v1/faults` takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// Its number; told, never ordered.
    #[serde(default, skip_deserializing)]
    id: u64,
    /// What fails.
    #[serde(default)]
    target: Target,
    /// How it fails.
    fault: Kind,
    /// For `slow`: how long an answer takes; 5 s unless told otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    /// For `error`: the status; 500 unless told otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// For `malformed`: the body; JSON that breaks off unless told otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// A text, e.g. the id of a subject: only requests strike that have it in path, query or body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mentions: Option<String>,
    /// How many requests it strikes; without it, all until it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    requests: Option<u64>,
    /// How many it struck so far; told, never ordered.
    #[serde(default, skip_deserializing)]
    struck: u64,
}

/// What can fail; the control interface and `/health` never do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    #[default]
    All,
    /// AuthZEN.
    Decisions,
    /// SCIM.
    Directory,
}

/// How it can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The connection breaks before an answer.
    Down,
    /// The answer comes late.
    Slow,
    /// The answer has the status of an error.
    Error,
    /// The answer is 200 with nonsense for a body.
    Malformed,
}

/// What happens to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Break,
    Delay(Duration),
    Status(u16),
    Body(String),
}

/// The failures in force.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    last_id: u64,
    faults: Vec<Fault>,
}

impl Fault {
    /// What is wrong with it, if anything.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        match (self.fault, self.status, self.requests) {
            (Kind::Error, Some(status), _) if !(400..=599).contains(&status) => Some("`status` must be 400 to 599"),
            (_, _, Some(0)) => Some("`requests` must be at least 1"),
            _ if self.mentions.as_deref() == Some("") => Some("`mentions` must not be empty"),
            _ => None,
        }
    }

    fn is_for(&self, target: Target) -> bool {
        [Target::All, target].contains(&self.target)
    }

    fn effect(&self) -> Effect {
        match self.fault {
            Kind::Down => Effect::Break,
            Kind::Slow => Effect::Delay(Duration::from_millis(self.delay_ms.unwrap_or(5_000)).min(LONGEST)),
            Kind::Error => Effect::Status(self.status.unwrap_or(500)),
            Kind::Malformed => Effect::Body(self.body.clone().unwrap_or_else(|| "{\"decision\": tr".to_owned())),
        }
    }
}

impl Target {
    /// The target that a path belongs to; nothing for what never fails.
    pub(crate) fn of(path: &str) -> Option<Self> {
        match path.split('/').nth(1) {
            Some("access") => Some(Self::Decisions),
            Some("scim") => Some(Self::Directory),
            _ => None,
        }
    }
}

impl Faults {
    /// Adds one; its number comes back.
    pub(crate) fn add(&self, fault: Fault) -> u64 {
        let mut kept = self.lock();
        kept.last_id += 1;
        let id = kept.last_id;
        kept.faults.push(Fault { id, ..fault });
        id
    }

    /// Those in force.
    pub(crate) fn list(&self) -> Vec<Fault> {
        self.lock().faults.clone()
    }

    /// Takes one back; `false` when there is none of this number.
    pub(crate) fn cancel(&self, id: u64) -> bool {
        let mut kept = self.lock();
        let before = kept.faults.len();
        kept.faults.retain(|fault| fault.id != id);
        kept.faults.len() != before
    }

    /// Takes all back.
    pub(crate) fn clear(&self) {
        self.lock().faults.clear();
    }

    /// Whether it takes the text of a request to know what strikes it.
    pub(crate) fn ask_for_text(&self, target: Target) -> bool {
        self.lock().faults.iter().any(|fault| fault.is_for(target) && fault.mentions.is_some())
    }

    /// What happens to a request for this target with this text: of each fault that strikes it, one request is used up.
    pub(crate) fn strike(&self, target: Target, text: &str) -> Vec<Effect> {
        let mut kept = self.lock();
        let mut effects = Vec::new();
        let strikes = |fault: &&mut Fault| {
            fault.is_for(target) && fault.mentions.as_ref().is_none_or(|mentioned| text.contains(mentioned.as_str()))
        };
        for fault in kept.faults.iter_mut().filter(strikes) {
            effects.push(fault.effect());
            fault.struck += 1;
            fault.requests = fault.requests.map(|left| left.saturating_sub(1));
        }
        kept.faults.retain(|fault| fault.requests != Some(0));
        effects
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
