//! What time it is, as an argument. Must not know who asks.

use std::time::{SystemTime, UNIX_EPOCH};

/// A source of the current time, so that a test can advance it.
pub trait Clock: Send + Sync {
    /// Seconds since 1970-01-01T00:00:00Z, the `NumericDate` of RFC 7519 §2.
    fn now(&self) -> i64;
}

/// The clock of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX)
    }
}
