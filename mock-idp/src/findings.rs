//! What permissive mode let through, counted by kind and client. Must not know HTTP.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::config::Mode;
use crate::error::Refused;

/// Kinds of findings times clients; more are not kept apart.
const CAPACITY: usize = 2_000;

/// Something that permissive mode lets through. What is not here is refused in every mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Relaxation {
    /// A redirect URI that is not registered, on a loopback host only: elsewhere it is an open redirector.
    UnregisteredRedirectUri,
    /// No `code_challenge`.
    PkceMissing,
    /// `code_challenge_method` is `plain`, said or by default.
    PkcePlain,
    /// A challenge was sent and no verifier comes.
    VerifierMissing,
    /// The `redirect_uri` of the token request is missing or another one.
    RedirectUriNotRepeated,
    /// A code between one and ten minutes old.
    CodeExpired,
    /// A client secret that is missing or wrong.
    WrongSecret,
    /// A grant type that the client did not register.
    UnregisteredGrant,
    /// A scope that the client did not register.
    UnregisteredScope,
    /// A refresh token that was used before, of a family that is alive.
    RefreshTokenReused,
    /// Tokens in a redirect, which `legacy_flows` switched on.
    ImplicitFlow,
    /// The same beside a code.
    HybridFlow,
    /// A password that went through the client.
    PasswordGrant,
}

/// One kind of leniency towards one client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finding {
    pub(crate) finding: Relaxation,
    pub(crate) client_id: String,
    /// Why strict mode refuses it, with the clause.
    pub(crate) reason: String,
    pub(crate) times: u64,
    /// Seconds since 1970.
    pub(crate) first: i64,
    pub(crate) last: i64,
}

/// Everything that was let through.
pub(crate) struct Findings {
    kept: Mutex<BTreeMap<(Relaxation, String), Finding>>,
}

impl Findings {
    pub(crate) fn new() -> Self {
        Self { kept: Mutex::new(BTreeMap::new()) }
    }

    pub(crate) fn list(&self) -> Vec<Finding> {
        self.lock().values().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    pub(crate) fn restore(&self, findings: Vec<Finding>) {
        *self.lock() = findings.into_iter().map(|one| ((one.finding, one.client_id.clone()), one)).collect();
    }

    fn record(&self, relaxation: Relaxation, client_id: &str, refused: &Refused, now: i64) {
        let mut kept = self.lock();
        let full = kept.len() >= CAPACITY;
        let key = (relaxation, client_id.to_owned());
        if let Some(known) = kept.get_mut(&key) {
            known.times += 1;
            known.last = now;
        } else if !full {
            let (client_id, reason) = (client_id.to_owned(), refused.description());
            let finding = Finding { finding: relaxation, client_id, reason, times: 1, first: now, last: now };
            kept.insert(key, finding);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Relaxation, String), Finding>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Decides between refusing and letting through.
#[derive(Clone, Copy)]
pub(crate) struct Leniency<'a> {
    pub(crate) mode: Mode,
    pub(crate) findings: &'a Findings,
    pub(crate) now: i64,
}

impl Leniency<'_> {
    /// Records something that is switched on and that nobody should use, in every mode.
    pub(crate) fn note(&self, used: Relaxation, client_id: &str, why_not: &Refused) {
        tracing::warn!(client_id, "used because switched on: {}", why_not.description());
        self.findings.record(used, client_id, why_not, self.now);
    }

    /// In strict mode the refusal itself; in permissive mode a finding, and on it goes.
    pub(crate) fn let_through(&self, relaxation: Relaxation, client_id: &str, refused: Refused) -> Result<(), Refused> {
        match self.mode {
            Mode::Strict => Err(refused),
            Mode::Permissive => {
                tracing::warn!(client_id, "accepted because permissive: {}", refused.description());
                self.findings.record(relaxation, client_id, &refused, self.now);
                Ok(())
            }
        }
    }
}
