//! One receiver's stream: what it wants, what waits for it. Must not know how events get there.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kind::Event;
use crate::secret::Secret;

/// How many events wait at most; the oldest is dropped for a new one.
const LONGEST_QUEUE: usize = 1_000;

/// Delivery by HTTP push (RFC 8935).
pub(crate) const PUSH: &str = "urn:ietf:rfc:8935";
/// Delivery by HTTP poll (RFC 8936).
pub(crate) const POLL: &str = "urn:ietf:rfc:8936";

/// Whether a stream delivers (SSF 1.0 §8.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// Events are delivered.
    #[default]
    Enabled,
    /// Events wait.
    Paused,
    /// Events are lost.
    Disabled,
}

/// How events get to the receiver.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Delivery {
    /// We call.
    Push {
        /// Where.
        endpoint_url: String,
        /// What the receiver wants as `Authorization`.
        authorization: Option<Secret>,
    },
    /// The receiver calls.
    Poll,
}

/// A stream.
#[derive(Debug)]
pub(crate) struct Stream {
    /// The caller that made it; nobody else sees it.
    pub(crate) owner: String,
    pub(crate) audience: String,
    pub(crate) delivery: Delivery,
    pub(crate) requested: Vec<String>,
    pub(crate) description: Option<String>,
    pub(crate) status: Status,
    pub(crate) reason: Option<String>,
    /// Subjects that the receiver does not want to hear about.
    pub(crate) removed: Vec<Value>,
    queue: VecDeque<(String, String)>,
    last: Option<(String, String)>,
}

/// An event that was put on a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Sent {
    /// The stream.
    pub(crate) stream_id: String,
    /// The event's id.
    pub(crate) jti: String,
}

impl Stream {
    pub(crate) fn new(owner: &str, audience: String, delivery: Delivery) -> Self {
        Self {
            owner: owner.to_owned(),
            audience,
            delivery,
            requested: super::kind::supported(),
            description: None,
            status: Status::default(),
            reason: None,
            removed: Vec::new(),
            queue: VecDeque::new(),
            last: None,
        }
    }

    /// Whether an event is for this stream.
    pub(crate) fn wants(&self, event: &Event) -> bool {
        self.requested.contains(&event.kind) && !self.removed.contains(&event.subject)
    }

    /// Adds an event behind those that wait.
    pub(crate) fn enqueue(&mut self, jti: String, token: String) {
        if self.status == Status::Disabled {
            return;
        }
        self.last = Some((jti.clone(), token.clone()));
        if self.queue.len() == LONGEST_QUEUE {
            self.queue.pop_front();
        }
        self.queue.push_back((jti, token));
    }

    /// The previous event.
    pub(crate) fn last(&self) -> Option<&(String, String)> {
        self.last.as_ref()
    }

    /// The events that wait, oldest first; none while the stream is paused.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &(String, String)> {
        self.queue.iter().filter(|_| self.status == Status::Enabled)
    }

    /// Forgets events that the receiver has dealt with.
    pub(crate) fn acknowledge(&mut self, ids: &BTreeSet<String>) {
        self.queue.retain(|(jti, _)| !ids.contains(jti));
    }

    /// Stops or goes on; what waits for a disabled stream is lost.
    pub(crate) fn set_status(&mut self, status: Status, reason: Option<String>) {
        self.status = status;
        self.reason = reason;
        if status == Status::Disabled {
            self.queue.clear();
        }
    }
}
