//! What time it is, as an argument. Must not know who asks.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

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

/// What was done to a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Adjustment {
    /// Seconds ahead of the clock underneath.
    pub(crate) offset_seconds: i64,
    /// Where it stands still.
    pub(crate) frozen_at: Option<i64>,
}

/// A clock over another one, that can be set, advanced and stopped.
pub(crate) struct AdjustableClock {
    base: Arc<dyn Clock>,
    adjustment: Mutex<Adjustment>,
}

impl AdjustableClock {
    pub(crate) fn new(base: Arc<dyn Clock>) -> Self {
        Self { base, adjustment: Mutex::new(Adjustment::default()) }
    }

    pub(crate) fn now(&self) -> i64 {
        self.at(self.adjustment())
    }

    pub(crate) fn adjustment(&self) -> Adjustment {
        *self.adjustment.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the clock as it was when this was read from it.
    pub(crate) fn adjust(&self, adjustment: Adjustment) {
        *self.adjustment.lock().unwrap_or_else(PoisonError::into_inner) = adjustment;
    }

    /// Stops the clock where it is, or lets it go on from there.
    pub(crate) fn freeze(&self, stopped: Stopped) {
        let now = self.now();
        let running = Adjustment { offset_seconds: now.saturating_sub(self.base.now()), frozen_at: None };
        self.adjust(match stopped {
            Stopped::Yes => Adjustment { frozen_at: Some(now), ..running },
            Stopped::No => running,
        });
    }

    /// Moves the clock; one that stands still stands still there.
    pub(crate) fn set(&self, time: i64) {
        let before = self.adjustment();
        self.adjust(Adjustment {
            offset_seconds: time.saturating_sub(self.base.now()),
            frozen_at: before.frozen_at.map(|_| time),
        });
    }

    fn at(&self, adjustment: Adjustment) -> i64 {
        adjustment.frozen_at.unwrap_or_else(|| self.base.now().saturating_add(adjustment.offset_seconds))
    }
}

/// Whether a clock stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    Yes,
    No,
}
