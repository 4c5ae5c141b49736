//! What the steps of one group hand to each other: tokens and statements that no plan can name. Must not know plans.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The notes of a group.
#[derive(Default)]
pub(super) struct Notes(Mutex<Kept>);

/// What is kept.
#[derive(Default)]
pub(super) struct Kept {
    /// The fresh token of the group.
    pub(super) fresh: Option<String>,
    /// A refresh token that was not used yet.
    pub(super) refresh: Option<String>,
    /// The one that was used last.
    pub(super) used_refresh: Option<String>,
    /// The last good security event.
    pub(super) event: Option<String>,
    /// How the registration of the account that logs in next was refused.
    pub(super) not_registered: Option<String>,
    /// The last good logout token.
    pub(super) logout: Option<String>,
}

impl Notes {
    pub(super) fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
