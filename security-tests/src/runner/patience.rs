//! How long to wait for a server that answers 429 (RFC 6585 §4): as it says, within bounds, and not for ever. Pure, but
//! for the count of what was waited.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// One request is repeated at most so often.
const ATTEMPTS: u32 = 3;
/// Without `Retry-After`, the first wait; it doubles.
const FIRST: Duration = Duration::from_millis(250);
/// Who asks for a longer wait is not waited for.
const LONGEST: Duration = Duration::from_secs(5);
/// All requests of a run together wait at most so long: a server that always says 429 must not stop a run.
const ALTOGETHER: Duration = Duration::from_secs(20);

/// What is left of a run's patience.
#[derive(Debug, Default)]
pub(super) struct Patience {
    waited_ms: AtomicU64,
}

impl Patience {
    /// How long to wait before the request is sent again; `None`: no more.
    pub(super) fn delay(&self, again: u32, retry_after: Option<&str>) -> Option<Duration> {
        // The other form, a date, is not worth a clock: servers that limit rates send seconds (RFC 9110 §10.2.3).
        let asked = retry_after.and_then(|text| text.trim().parse::<u64>().ok()).map(Duration::from_secs);
        let delay = asked.unwrap_or_else(|| FIRST.saturating_mul(2_u32.saturating_pow(again)));
        let delay = delay.max(Duration::from_millis(10));
        if again >= ATTEMPTS || delay > LONGEST {
            return None;
        }
        let millis = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        let waited = self.waited_ms.fetch_add(millis, Ordering::Relaxed);
        (Duration::from_millis(waited.saturating_add(millis)) <= ALTOGETHER).then_some(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_as_asked_or_doubles_and_gives_up() {
        let patience = Patience::default();
        let waits = [0, 1, 2, 3].map(|again| patience.delay(again, None).map(|delay| delay.as_millis()));
        assert_eq!(waits, [Some(250), Some(500), Some(1000), None]);
        assert_eq!(patience.delay(0, Some("2")), Some(Duration::from_secs(2)));
        assert_eq!(patience.delay(0, Some("3600")), None);
        assert_eq!(patience.delay(0, Some("0")), Some(Duration::from_millis(10)));
    }

    #[test]
    fn all_requests_of_a_run_share_one_patience() {
        let patience = Patience::default();
        let waits = (0..100).filter_map(|_| patience.delay(0, Some("5"))).count();
        assert_eq!(waits, 4);
    }
}
