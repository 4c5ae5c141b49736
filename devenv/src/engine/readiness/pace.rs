//! When to try again, and what the state of a service means for whoever waits for it. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::Duration;

use crate::engine::{EngineError, ServiceState};

/// First wait after a failed attempt; doubles.
const FIRST: Duration = Duration::from_millis(20);
/// Longest wait between two attempts.
const LONGEST: Duration = Duration::from_millis(500);
/// A service that was seen so often between two of its starts will not come up. Generous: with `restart: always`, some
/// end until their database answers.
const MOST_RESTARTING: u32 = 30;
/// Why nothing can be expected of an orphan.
pub(super) const ORPHANED: &str = "what supervised it is gone; `devenv down` removes it";

/// Waits between attempts.
#[derive(Debug)]
pub(super) struct Pace {
    next: Duration,
}

impl Pace {
    /// Before the first wait.
    pub(super) fn new() -> Self {
        Self { next: FIRST }
    }

    /// The wait that comes now.
    pub(super) fn next_delay(&mut self) -> Duration {
        let delay = self.next;
        self.next = delay.saturating_mul(2).min(LONGEST);
        delay
    }
}

/// Why waiting is over without success.
#[derive(Debug)]
pub(super) enum End {
    /// It ended.
    Exited(i64),
    /// It will not get ready, or not in time, for this reason.
    Gone(String),
    /// The engine cannot say.
    Engine(EngineError),
}

/// What a look at a service says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// It runs: the test decides.
    Runs,
    /// It does not run, and may yet.
    NotYet,
}

/// How often a service was seen between two of its starts.
#[derive(Debug, Default)]
pub(super) struct Restless(u32);

/// Whether to go on waiting.
pub(super) fn look(state: Option<&ServiceState>, restless: &mut Restless) -> Result<Look, End> {
    match state {
        Some(ServiceState::Running) => Ok(Look::Runs),
        Some(ServiceState::Exited { code }) => Err(End::Exited(*code)),
        Some(ServiceState::Orphaned) => Err(End::Gone(ORPHANED.into())),
        Some(ServiceState::Restarting) => {
            restless.0 = restless.0.saturating_add(1);
            if restless.0 < MOST_RESTARTING {
                return Ok(Look::NotYet);
            }
            Err(End::Gone("it ends and is started again, over and over".into()))
        }
        Some(ServiceState::Created | ServiceState::Paused) | None => Ok(Look::NotYet),
    }
}

/// Why a service in this state is not ready.
pub(super) fn reason(state: Option<&ServiceState>) -> &'static str {
    match state {
        None => "it is not there",
        Some(ServiceState::Created) => "it was not started",
        Some(ServiceState::Running) => "it runs",
        Some(ServiceState::Paused) => "it is paused",
        Some(ServiceState::Restarting) => "it ended and will be started again",
        Some(ServiceState::Exited { .. }) => "it ended",
        Some(ServiceState::Orphaned) => ORPHANED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_twenty_to_five_hundred_milliseconds() {
        let mut pace = Pace::new();
        let waits: Vec<u128> = (0..7).map(|_| pace.next_delay().as_millis()).collect();
        assert_eq!(waits, [20, 40, 80, 160, 320, 500, 500]);
    }

    #[test]
    fn an_end_is_final_whatever_its_code() {
        let mut restless = Restless::default();
        for code in [0, 1] {
            let end = look(Some(&ServiceState::Exited { code }), &mut restless);
            assert!(matches!(end, Err(End::Exited(seen)) if seen == code));
        }
    }

    #[test]
    fn a_service_that_is_always_between_two_starts_is_given_up() {
        let mut restless = Restless::default();
        let looks = (0..100).take_while(|_| look(Some(&ServiceState::Restarting), &mut restless).is_ok()).count();
        assert_eq!(looks, 29);
    }
}
