//! The same project at an earlier revision, as far as the tests compare with it. Must not know version control.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::api::Api;
use crate::guards::RemovedGuard;

/// What was there before.
#[derive(Clone, Debug, Default)]
pub struct Base {
    /// As whoever asked calls it, e.g. `HEAD`.
    pub revision: String,
    /// The OpenAPI document then, when it was there and another one.
    pub api: Option<Api>,
    /// Guards that were deleted from source since.
    pub guards: Vec<RemovedGuard>,
}
