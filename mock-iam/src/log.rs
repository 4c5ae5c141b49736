//! What was decided: one JSON line for each decision and search, chained by hashes, kept in memory and in a file.
//!
//! Holds no token and no property, except claims that contradict the directory. Must not know HTTP or policies.

pub(crate) mod chain;
mod file;
mod redact;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use self::chain::GENESIS;
use self::file::LogFile;
use crate::config::Rotation;
use crate::error::Error;
use crate::policy::{ClaimMismatch, NearMiss};

/// How many lines are kept in memory.
const KEPT: usize = 10_000;
/// How many bytes of lines are kept in memory.
const KEPT_BYTES: usize = 8 << 20;

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
    /// For a denial because nothing permits: what kept the nearest `permit`s for the action from applying.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) near_misses: Vec<NearMiss>,
    /// How many more there are of them.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) further_near_misses: usize,
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

/// One search.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SearchEntry {
    /// When it was made, RFC 3339.
    pub(crate) time: Timestamp,
    /// As in [`Entry`].
    pub(crate) sequence: u64,
    /// As in [`Entry`].
    pub(crate) request_id: Option<String>,
    /// As in [`Entry`].
    pub(crate) caller: String,
    /// What was looked for: `subject`, `resource` or `action`.
    pub(crate) search: &'static str,
    /// As in [`Entry`]; without identifier when subjects were looked for.
    pub(crate) subject: EntityName,
    /// As in [`Entry`]; empty when actions were looked for.
    pub(crate) action: String,
    /// As in [`Entry`]; without identifier when resources were looked for.
    pub(crate) resource: EntityName,
    /// How many were found, on all pages.
    pub(crate) results: usize,
    /// As in [`Entry`].
    pub(crate) directory_version: u64,
    /// As in [`Entry`].
    pub(crate) policy_hash: String,
    /// As in [`Entry`].
    #[serde(rename = "latency_us", serialize_with = "as_number")]
    pub(crate) latency: std::time::Duration,
}

/// Which lines are asked for.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// Only those after this sequence number.
    pub(crate) after: u64,
    /// Only those of this request.
    pub(crate) request_id: Option<String>,
    /// Only those with a claim that contradicts the directory.
    pub(crate) mismatches: bool,
}

/// The log of decisions.
pub(crate) struct DecisionLog(Mutex<Inner>);

struct Inner {
    sequence: u64,
    /// Hash of the last line.
    head: String,
    kept: VecDeque<Kept>,
    kept_bytes: usize,
    file: Option<LogFile>,
}

struct Kept {
    sequence: u64,
    request_id: Option<String>,
    mismatches: bool,
    line: String,
}

impl DecisionLog {
    /// Opens the log; an existing file is continued, its chain and its numbers too.
    pub(crate) fn open(path: Option<&Path>, rotation: Rotation) -> Result<Self, Error> {
        let opened = path.map(|path| {
            let opened = LogFile::open(path, rotation);
            opened.map_err(|source| Error::DecisionLog { path: path.to_owned(), source })
        });
        let (file, last) = opened.transpose()?.map_or((None, None), |(file, last)| (Some(file), last));
        let (sequence, head) = last.map_or((0, GENESIS.to_owned()), |last| (last.sequence, last.hash));
        Ok(Self(Mutex::new(Inner { sequence, head, kept: VecDeque::new(), kept_bytes: 0, file })))
    }

    /// Appends a decision under the next sequence number.
    pub(crate) fn append(&self, mut entry: Entry) {
        entry.request_id = entry.request_id.as_deref().map(redact::text);
        for name in [&mut entry.subject, &mut entry.resource] {
            name.cut();
        }
        entry.action = redact::text(&entry.action);
        for mismatch in &mut entry.mismatches {
            mismatch.claimed = redact::value(&mismatch.property, &mismatch.claimed);
            mismatch.directory = mismatch.directory.as_ref().map(|known| redact::value(&mismatch.property, known));
        }
        let (request_id, mismatches) = (entry.request_id.clone(), !entry.mismatches.is_empty());
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entry.sequence = log.sequence + 1;
        log.write(serde_json::to_string(&entry), request_id, mismatches);
    }

    /// Appends a search under the next sequence number.
    pub(crate) fn append_search(&self, mut entry: SearchEntry) {
        entry.request_id = entry.request_id.as_deref().map(redact::text);
        for name in [&mut entry.subject, &mut entry.resource] {
            name.cut();
        }
        entry.action = redact::text(&entry.action);
        let request_id = entry.request_id.clone();
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entry.sequence = log.sequence + 1;
        log.write(serde_json::to_string(&entry), request_id, false);
    }

    /// The lines in memory that are asked for, oldest first.
    pub(crate) fn lines(&self, selection: &Selection) -> String {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let selected = log.kept.iter().filter(|kept| {
            kept.sequence > selection.after
                && (!selection.mismatches || kept.mismatches)
                && (selection.request_id.is_none() || kept.request_id == selection.request_id)
        });
        selected.map(|kept| kept.line.as_str()).collect()
    }
}

impl EntityName {
    fn cut(&mut self) {
        self.kind = redact::text(&self.kind);
        self.id = redact::text(&self.id);
    }
}

impl Inner {
    fn write(&mut self, object: serde_json::Result<String>, request_id: Option<String>, mismatches: bool) {
        self.sequence += 1;
        let sequence = self.sequence;
        let object = match object {
            Ok(object) => object,
            Err(error) => return tracing::error!(%error, sequence, "decision not written"),
        };
        let (mut line, hash) = chain::close(&object, &self.head);
        self.head = hash;
        match &mut self.file {
            Some(file) => {
                line.push('\n');
                if let Err(error) = file.write(&line) {
                    tracing::error!(%error, sequence, "decision not written");
                }
            }
            None => {
                tracing::info!(target: "mock_iam::decision", "{line}");
                line.push('\n');
            }
        }
        self.kept_bytes += line.len();
        self.kept.push_back(Kept { sequence, request_id, mismatches, line });
        while self.kept.len() > KEPT || self.kept_bytes > KEPT_BYTES {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.kept_bytes -= oldest.line.len();
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

fn as_number<S: Serializer>(latency: &std::time::Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX))
}
