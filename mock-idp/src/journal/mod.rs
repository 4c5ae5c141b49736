//! What was asked and what came of it, without secrets, in a ring. Must not know HTTP.

pub(crate) mod assert;
mod decoded;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::broadcast;

use crate::error::Refused;
use crate::flow::form::Parameters;

/// Older entries go first: the journal of a long run must not grow.
const CAPACITY: usize = 1_000;
/// How far a listener may fall behind before it misses entries.
const LISTENED: usize = 256;

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
    /// The clause alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<&'static str>,
    /// Names of the parameters that came and are not shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    withheld: Vec<String>,
    /// The tokens that were given, decoded, without their signatures.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "decoded::serialize")]
    tokens: Vec<(&'static str, String)>,
    /// The ordered faults in the answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<&'static str>,
}

impl Note {
    pub(crate) fn outcome(outcome: &'static str) -> Self {
        Self { outcome, ..Self::default() }
    }

    pub(crate) fn refused(refused: &Refused) -> Self {
        Self {
            reason: Some(refused.description()),
            section: Some(refused.section()),
            ..Self::outcome(refused.code.as_str())
        }
    }

    pub(crate) fn with(mut self, parameters: &Parameters) -> Self {
        self.parameters = parameters.public();
        self.withheld = parameters.withheld();
        self
    }

    pub(crate) fn client(mut self, client_id: &str) -> Self {
        self.client_id = Some(client_id.to_owned());
        self
    }

    /// Who asked, if that was said.
    pub(crate) fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// The person or client that it was about.
    pub(crate) fn person(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    pub(crate) fn why(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The parameters that are no secret.
    pub(crate) fn shown(&self) -> impl Iterator<Item = (&String, &String)> {
        self.parameters.iter()
    }

    /// The names of the others.
    pub(crate) fn hidden(&self) -> &[String] {
        &self.withheld
    }

    pub(crate) fn ordered_faults(&self) -> &[&'static str] {
        &self.faults
    }

    pub(crate) fn what_came_of_it(&self) -> &'static str {
        self.outcome
    }

    /// Shows a token that was given; of one that is not a JWT only that it was. Without the signature it opens nothing.
    pub(crate) fn token(mut self, name: &'static str, token: &str) -> Self {
        let unsigned = token.rsplit_once('.').map(|(unsigned, _)| unsigned).unwrap_or_default();
        self.tokens.push((name, unsigned.to_owned()));
        self
    }

    pub(crate) fn fault(&mut self, name: &'static str) {
        if !self.faults.contains(&name) {
            self.faults.push(name);
        }
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

/// The last requests, and whoever wants to be told of the next ones.
pub(crate) struct Journal {
    entries: Mutex<(u64, VecDeque<Entry>)>,
    listeners: broadcast::Sender<Entry>,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self { entries: Mutex::new((0, VecDeque::new())), listeners: broadcast::Sender::new(LISTENED) }
    }

    /// Adds an entry, whose `sequence` is set here.
    pub(crate) fn record(&self, mut entry: Entry) {
        let (last, entries) = &mut *self.lock();
        *last += 1;
        entry.sequence = *last;
        if entries.len() >= CAPACITY {
            entries.pop_front();
        }
        if self.listeners.receiver_count() > 0 {
            // Nobody may have stayed to listen: that is no failure.
            let _ = self.listeners.send(entry.clone());
        }
        entries.push_back(entry);
    }

    /// Tells of every entry from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Entry> {
        self.listeners.subscribe()
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
