//! What was asked and what came of it, without secrets, in a ring. Must not know HTTP.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::error::Refused;
use crate::flow::form::Parameters;

/// Older entries go first: the journal of a long run must not grow.
const CAPACITY: usize = 1_000;

/// What an endpoint says about a request; the rest of an [`Entry`] is seen from outside.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Note {
    /// Parameters that are no secret.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parameters: BTreeMap<String, String>,
    /// The client that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// The person or client that it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// In a few words, or the error code.
    #[serde(skip_serializing_if = "str::is_empty")]
    outcome: &'static str,
    /// Why it was refused, with the clause.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Note {
    pub(crate) fn outcome(outcome: &'static str) -> Self {
        Self { outcome, ..Self::default() }
    }

    pub(crate) fn refused(refused: &Refused) -> Self {
        Self { reason: Some(refused.description()), ..Self::outcome(refused.code.as_str()) }
    }

    pub(crate) fn with(mut self, parameters: &Parameters) -> Self {
        self.parameters = parameters.public();
        self
    }

    pub(crate) fn client(mut self, client_id: &str) -> Self {
        self.client_id = Some(client_id.to_owned());
        self
    }

    pub(crate) fn subject(mut self, subject: &str) -> Self {
        self.subject = Some(subject.to_owned());
        self
    }
}

/// One request.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    /// From 1, never reused.
    pub(crate) sequence: u64,
    /// Seconds since 1970.
    pub(crate) time: i64,
    pub(crate) method: String,
    /// Without the query, which can hold secrets.
    pub(crate) path: String,
    pub(crate) status: u16,
    #[serde(flatten)]
    pub(crate) note: Note,
}

/// The last requests.
pub(crate) struct Journal {
    entries: Mutex<(u64, VecDeque<Entry>)>,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self { entries: Mutex::new((0, VecDeque::new())) }
    }

    /// Adds an entry, whose `sequence` is set here.
    pub(crate) fn record(&self, mut entry: Entry) {
        let (last, entries) = &mut *self.lock();
        *last += 1;
        entry.sequence = *last;
        if entries.len() >= CAPACITY {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.lock().1.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.lock().1.clear();
    }

    fn lock(&self) -> MutexGuard<'_, (u64, VecDeque<Entry>)> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
