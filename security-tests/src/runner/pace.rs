//! How many groups run side by side: additive increase, multiplicative decrease, from 2, because some servers answer
//! slower the more is asked of them. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Where it starts.
const START: f64 = 2.0;
/// An answer this many times slower than usual means that the server is full.
const SLOW: f64 = 4.0;

/// A limit that follows the server.
#[derive(Debug)]
pub(super) struct Pace {
    limit: f64,
    most: f64,
    usual_ms: f64,
}

impl Pace {
    /// Where it ends.
    pub(super) const MOST: f64 = 16.0;

    /// Follows the server, up to this many.
    pub(super) fn adaptive(most: f64) -> Self {
        Self { limit: START, most, usual_ms: 0.0 }
    }

    /// How many the server was not seen to choke on.
    pub(super) fn most(&self) -> f64 {
        self.most
    }

    /// One at a time.
    pub(super) fn single() -> Self {
        Self { limit: 1.0, most: 1.0, usual_ms: 0.0 }
    }

    /// How many may run now.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 16")]
    pub(super) fn limit(&self) -> usize {
        self.limit as usize
    }

    /// Learns from one answer.
    pub(super) fn record(&mut self, duration_ms: f64, failed: bool) {
        let slow = self.usual_ms > 0.0 && duration_ms > 20.0 && duration_ms > SLOW * self.usual_ms;
        self.usual_ms = if self.usual_ms == 0.0 { duration_ms } else { 0.9 * self.usual_ms + 0.1 * duration_ms };
        if failed {
            // Where it choked once it would choke again: a pool of connections that is empty does not grow.
            self.most = (self.most.min(self.limit) * 0.75).max(START.min(self.most));
        }
        let next = if failed || slow { self.limit / 2.0 } else { self.limit + 1.0 / self.limit };
        self.limit = next.clamp(START.min(self.most), self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_while_answers_come_and_halves_when_one_does_not() {
        let mut pace = Pace::adaptive(Pace::MOST);
        assert_eq!(pace.limit(), 2);
        (0..500).for_each(|_| pace.record(1.0, false));
        assert_eq!(pace.limit(), 16);
        pace.record(100.0, false);
        assert_eq!(pace.limit(), 8);
        (0..500).for_each(|_| pace.record(1.0, false));
        pace.record(1.0, true);
        assert_eq!((pace.limit(), pace.most()), (8, 12.0));
        (0..500).for_each(|_| pace.record(1.0, false));
        assert_eq!(pace.limit(), 12, "where it choked it does not go again");
        (0..9).for_each(|_| pace.record(1.0, true));
        assert_eq!(pace.limit(), 2);
    }

    #[test]
    fn one_at_a_time_stays_so() {
        let mut pace = Pace::single();
        (0..9).for_each(|_| pace.record(1.0, false));
        assert_eq!(pace.limit(), 1);
    }
}
