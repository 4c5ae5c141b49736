//! Whether a target is still alive: requests in a row without an answer. Those that were in flight together count once,
//! because a server that chokes on many at once may answer the next one. Must not know HTTP; instants are given to it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// After so many a target is taken for dead, so that a run against one that hangs ends in minutes and not in hours.
const DEAD_AFTER: u32 = 8;
/// What it costs to wait in vain for as long as one waits at all.
const TIMED_OUT: u32 = 2;

/// What is known of a target.
#[derive(Debug, Default)]
pub(super) struct Pulse(Mutex<Unanswered>);

#[derive(Debug, Default)]
struct Unanswered {
    weight: u32,
    /// When the last one that counted failed.
    since: Option<Instant>,
}

impl Pulse {
    /// Something came back.
    pub(super) fn answered(&self) {
        *self.lock() = Unanswered::default();
    }

    /// Nothing came back for a request that began and ended then.
    pub(super) fn unanswered(&self, (began, ended): (Instant, Instant), timed_out: bool) {
        let mut known = self.lock();
        if known.since.is_none_or(|since| began >= since) {
            known.weight += if timed_out { TIMED_OUT } else { 1 };
            known.since = Some(ended);
        }
    }

    /// Whether to stop asking.
    pub(super) fn is_dead(&self) -> bool {
        self.lock().weight >= DEAD_AFTER
    }

    fn lock(&self) -> MutexGuard<'_, Unanswered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_target_is_dead_after_eight_in_a_row_or_four_that_took_all_the_time() {
        for (timed_out, needed) in [(false, 8), (true, 4)] {
            let (pulse, start) = (Pulse::default(), Instant::now());
            for n in 0..needed {
                assert!(!pulse.is_dead(), "{n}");
                let began = start + Duration::from_secs(10 * n);
                pulse.unanswered((began, began + Duration::from_secs(10)), timed_out);
            }
            assert!(pulse.is_dead());
            pulse.answered();
            assert!(!pulse.is_dead());
        }
    }

    #[test]
    fn sixteen_that_hang_together_are_one() {
        let (pulse, start) = (Pulse::default(), Instant::now());
        (0..16).for_each(|n| {
            pulse.unanswered((start, start + Duration::from_secs(10) + Duration::from_millis(n)), true);
        });
        assert!(!pulse.is_dead());
    }
}
