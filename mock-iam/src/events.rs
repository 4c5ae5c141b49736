//! Shared Signals: what changes in the directory goes out as signed security events (OpenID SSF 1.0, CAEP 1.0, RISC 1.0).
//!
//! Streams belong to the caller that made them, and end with the process. Must not know HTTP's server side.

pub(crate) mod changes;
pub(crate) mod kind;
pub(crate) mod push;
pub(crate) mod set;
pub(crate) mod signer;
pub(crate) mod stream;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Notify;

use kind::Event;
use set::Fault;
use signer::Signer;
use stream::{Sent, Stream};

/// All streams, with what signs their events.
pub(crate) struct Events {
    issuer: String,
    /// Issuer of the subjects, whose tokens carry them as `sub`; without it subjects are opaque.
    subject_issuer: Option<String>,
    signer: OnceLock<Signer>,
    streams: Mutex<BTreeMap<String, Stream>>,
    /// Rings whenever there may be something to deliver.
    pub(crate) bell: Notify,
}

impl Events {
    pub(crate) fn new(issuer: String, subject_issuer: Option<String>) -> Arc<Self> {
        let streams = Mutex::new(BTreeMap::new());
        Arc::new(Self { issuer, subject_issuer, signer: OnceLock::new(), streams, bell: Notify::new() })
    }

    /// The keys, made when first needed: most stacks never need them, and a start must not wait for them.
    pub(crate) async fn signer(self: &Arc<Self>) -> Option<&Signer> {
        made(&self.signer).await
    }

    /// Whether anybody listens.
    pub(crate) fn wanted(&self) -> bool {
        !self.streams().is_empty()
    }

    pub(crate) fn streams(&self) -> MutexGuard<'_, BTreeMap<String, Stream>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How events name a person (RFC 9493 §3.2).
    pub(crate) fn subject(&self, name: &str) -> Value {
        match &self.subject_issuer {
            Some(issuer) => serde_json::json!({ "format": "iss_sub", "iss": issuer, "sub": name }),
            None => serde_json::json!({ "format": "opaque", "id": name }),
        }
    }

    /// Puts events on every stream that wants them.
    pub(crate) fn publish(&self, events: &[Event], now: Timestamp) {
        for event in events {
            self.emit(event, (None, Fault::None), now);
        }
    }

    /// Puts one event on one stream or on all that want it, perhaps deliberately wrong; says where it went.
    pub(crate) fn emit(&self, event: &Event, (only, fault): (Option<&str>, Fault), now: Timestamp) -> Vec<Sent> {
        let Some(signer) = self.signer.get() else { return Vec::new() };
        let mut sent = Vec::new();
        for (id, stream) in self.streams().iter_mut() {
            let chosen = only.map_or_else(|| stream.wants(event), |only| only == id);
            if !chosen {
                continue;
            }
            let jti = random_id();
            let token = match (fault, stream.last()) {
                (Fault::Replay, Some(last)) => Some(last.clone()),
                (fault, _) => {
                    let claims = set::claims(event, (&self.issuer, &stream.audience), (&jti, now));
                    signer.sign(claims, fault).map(|token| (jti, token))
                }
            };
            if let Some((jti, token)) = token {
                stream.enqueue(jti.clone(), token);
                sent.push(Sent { stream_id: id.clone(), jti });
            }
        }
        self.bell.notify_waiters();
        sent
    }
}

/// The keys in a cell, made off the threads that answer when there are none.
pub(crate) async fn made(cell: &OnceLock<Signer>) -> Option<&Signer> {
    if cell.get().is_none() {
        let made = tokio::task::spawn_blocking(Signer::generate).await.ok().flatten();
        if let Some(made) = made {
            // Somebody may have been faster; then theirs are the keys.
            let _ = cell.set(made);
        }
    }
    cell.get()
}

/// 128 bits in hexadecimal. Without a generator there would be no keys either.
pub(crate) fn random_id() -> String {
    let mut bytes = [0_u8; 16];
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
