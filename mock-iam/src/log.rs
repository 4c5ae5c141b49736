//! What was decided: one JSON line for each decision, kept in memory and appended to a file.
//!
//! Holds no token and no property, except claims that contradict the directory. Must not know HTTP or policies.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::error::Error;
use crate::policy::ClaimMismatch;

/// How many decisions are kept in memory.
const KEPT: usize = 10_000;

/// One decision.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    /// When it was made, RFC 3339.
    pub(crate) time: Timestamp,
    /// Grows by one with each decision of this process; set by the log.
    pub(crate) sequence: u64,
    /// `X-Request-ID` of the question.
    pub(crate) request_id: Option<String>,
    /// Name of the caller that asked.
    pub(crate) caller: String,
    /// Tenant of the subject.
    pub(crate) tenant: Option<String>,
    /// Who asked to act.
    pub(crate) subject: EntityName,
    /// What the subject wanted to do.
    pub(crate) action: String,
    /// On what.
    pub(crate) resource: EntityName,
    /// Whether it was allowed.
    pub(crate) decision: bool,
    /// Ids of the policies that decided.
    pub(crate) determining: Vec<String>,
    /// What kept policies from being evaluated.
    pub(crate) errors: Vec<String>,
    /// Claims that contradict the directory.
    #[serde(rename = "claim_mismatch")]
    pub(crate) mismatches: Vec<ClaimMismatch>,
    /// Version of the directory that decided.
    pub(crate) directory_version: u64,
    /// Hash of the policies that decided.
    pub(crate) policy_hash: String,
    /// How long the decision took, in microseconds.
    #[serde(rename = "latency_us", serialize_with = "as_number")]
    pub(crate) latency: std::time::Duration,
}

/// An entity without its properties.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct EntityName {
    /// Its type.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Its identifier.
    pub(crate) id: String,
}

/// The log of decisions.
pub(crate) struct DecisionLog(Mutex<Inner>);

struct Inner {
    sequence: u64,
    kept: VecDeque<Kept>,
    file: Option<File>,
}

struct Kept {
    sequence: u64,
    line: String,
}

impl DecisionLog {
    /// Opens the log; an existing file is continued.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Error> {
        let file = path.map(|path| {
            let opened = File::options().append(true).create(true).open(path);
            opened.map_err(|source| Error::DecisionLog { path: path.to_owned(), source })
        });
        Ok(Self(Mutex::new(Inner { sequence: 0, kept: VecDeque::new(), file: file.transpose()? })))
    }

    /// Appends a decision under the next sequence number.
    pub(crate) fn append(&self, mut entry: Entry) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.sequence += 1;
        entry.sequence = log.sequence;
        let line = match serde_json::to_string(&entry) {
            Ok(line) => line + "\n",
            Err(error) => return tracing::error!(%error, sequence = entry.sequence, "decision not written"),
        };
        match &mut log.file {
            Some(file) => {
                // One write for a line: a reader never sees half of one.
                if let Err(error) = file.write_all(line.as_bytes()) {
                    tracing::error!(%error, sequence = entry.sequence, "decision not written");
                }
            }
            None => tracing::info!(target: "mock_iam::decision", "{}", line.trim_end()),
        }
        if log.kept.len() == KEPT {
            log.kept.pop_front();
        }
        log.kept.push_back(Kept { sequence: entry.sequence, line });
    }

    /// The decisions in memory after a sequence number, as JSON lines.
    pub(crate) fn lines(&self, after: u64) -> String {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.kept.iter().filter(|kept| kept.sequence > after).map(|kept| kept.line.as_str()).collect()
    }
}

fn as_number<S: Serializer>(latency: &std::time::Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX))
}
