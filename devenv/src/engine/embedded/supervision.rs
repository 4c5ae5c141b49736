//! The life of one supervised process as a state machine: what to do when it starts, ends, or shall end.
//!
//! Must not know processes, files, signals' numbers or the clock: `now` is the time since the supervisor began.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::manifest::Restart;

/// First wait between the end of a process and its next start; doubles with each start in a row.
const FIRST_BACK_OFF: Duration = Duration::from_millis(100);
/// Longest such wait.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(10);
/// A process that ran so long was well: the next back-off is the first one again.
const WELL_AFTER: Duration = Duration::from_secs(10);
/// What shells say of a command that cannot be run (POSIX.1-2024, XCU 2.8.2).
pub(crate) const CANNOT_RUN: i64 = 127;

/// When a process that ended is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Policy {
    /// Never.
    No,
    /// Whatever its exit code.
    Always,
    /// After an exit code other than 0, at most so often; 0: no limit.
    OnFailure(u32),
    /// As `Always`: a stopped service has no supervisor left that could start it.
    UnlessStopped,
}

impl From<Restart> for Policy {
    fn from(restart: Restart) -> Self {
        match restart {
            Restart::No => Self::No,
            Restart::Always => Self::Always,
            Restart::OnFailure { attempts } => Self::OnFailure(attempts),
            Restart::UnlessStopped => Self::UnlessStopped,
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The process runs.
    Spawned,
    /// The process could not be made.
    SpawnFailed,
    /// The process ended; for a signal 128 + its number.
    Exited(i64),
    /// Somebody wants it to end.
    StopRequested,
    /// It had its time to end by itself.
    GraceOver,
    /// The wait before the next start is over.
    BackOffOver,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Make the process.
    Spawn,
    /// Send the stop signal to its group.
    Signal,
    /// Kill its group.
    Kill,
    /// Nothing is left to supervise.
    Finish,
}

/// Where a process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It is being made; `stop`: and shall end as soon as it is.
    Starting {
        /// A stop came before it was made.
        stop: bool,
    },
    /// It runs.
    Running {
        /// Since then.
        since: Duration,
    },
    /// It ended and will be started again.
    BackingOff {
        /// At that time.
        until: Duration,
    },
    /// It got its stop signal.
    Stopping {
        /// It may take until then.
        until: Duration,
    },
    /// It was killed and is not gone yet.
    Killing,
    /// It is over.
    Ended,
}

/// One supervised process.
#[derive(Clone, Debug)]
pub(crate) struct Supervision {
    policy: Policy,
    grace: Duration,
    phase: Phase,
    /// How often it was started again.
    restarts: u32,
    /// How often in a row without being well in between.
    streak: u32,
    /// Exit code of its last end.
    code: Option<i64>,
    /// It did not end within its grace.
    overstayed: bool,
}

impl Supervision {
    /// A process that is about to be made: the caller spawns it first.
    pub(crate) fn new(policy: Policy, grace: Duration) -> Self {
        let phase = Phase::Starting { stop: false };
        Self { policy, grace, phase, restarts: 0, streak: 0, code: None, overstayed: false }
    }

    /// Where it is.
    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// How often it was started again.
    pub(crate) fn restarts(&self) -> u32 {
        self.restarts
    }

    /// Exit code of its last end.
    pub(crate) fn code(&self) -> Option<i64> {
        self.code
    }

    /// Whether it had to be killed because it ignored its stop signal.
    pub(crate) fn overstayed(&self) -> bool {
        self.overstayed
    }

    /// What to feed at which time if nothing else happens before.
    pub(crate) fn deadline(&self) -> Option<(Duration, Event)> {
        match self.phase {
            Phase::BackingOff { until } => Some((until, Event::BackOffOver)),
            Phase::Stopping { until } => Some((until, Event::GraceOver)),
            Phase::Starting { .. } | Phase::Running { .. } | Phase::Killing | Phase::Ended => None,
        }
    }

    /// Takes note of an event and says what to do, in order. Events that cannot happen in a phase change nothing.
    pub(crate) fn on_event(&mut self, event: Event, now: Duration) -> Vec<Action> {
        match (self.phase, event) {
            (Phase::Starting { stop: false }, Event::Spawned) => self.enter(Phase::Running { since: now }, None),
            (Phase::Starting { stop: true }, Event::Spawned) | (Phase::Running { .. }, Event::StopRequested) => {
                self.enter(Phase::Stopping { until: now.saturating_add(self.grace) }, Some(Action::Signal))
            }
            (Phase::Starting { stop: false }, Event::StopRequested) => self.enter(Phase::Starting { stop: true }, None),
            (Phase::Starting { stop }, Event::SpawnFailed) => self.not_spawned(stop, now),
            (Phase::Running { since }, Event::Exited(code)) => self.ended(code, now.saturating_sub(since), now),
            (Phase::BackingOff { .. }, Event::BackOffOver) => {
                self.restarts = self.restarts.saturating_add(1);
                self.enter(Phase::Starting { stop: false }, Some(Action::Spawn))
            }
            (Phase::BackingOff { .. }, Event::StopRequested) => self.enter(Phase::Ended, Some(Action::Finish)),
            (Phase::Stopping { .. }, Event::GraceOver) => {
                self.overstayed = true;
                self.enter(Phase::Killing, Some(Action::Kill))
            }
            (Phase::Stopping { .. } | Phase::Killing, Event::Exited(code)) => {
                self.code = Some(code);
                self.enter(Phase::Ended, Some(Action::Finish))
            }
            _ => Vec::new(),
        }
    }

    fn enter(&mut self, phase: Phase, action: Option<Action>) -> Vec<Action> {
        self.phase = phase;
        action.into_iter().collect()
    }

    /// A command that never ran is a mistake to show; one that ran before may only be in the middle of a rebuild.
    fn not_spawned(&mut self, stop: bool, now: Duration) -> Vec<Action> {
        if stop || self.restarts == 0 {
            self.code = Some(CANNOT_RUN);
            return self.enter(Phase::Ended, Some(Action::Finish));
        }
        self.ended(CANNOT_RUN, Duration::ZERO, now)
    }

    fn ended(&mut self, code: i64, uptime: Duration, now: Duration) -> Vec<Action> {
        self.code = Some(code);
        if !self.starts_again(code) {
            return self.enter(Phase::Ended, Some(Action::Finish));
        }
        self.streak = if uptime >= WELL_AFTER { 0 } else { self.streak };
        let until = now.saturating_add(back_off(self.streak));
        self.streak = self.streak.saturating_add(1);
        self.enter(Phase::BackingOff { until }, None)
    }

    fn starts_again(&self, code: i64) -> bool {
        match self.policy {
            Policy::No => false,
            Policy::Always | Policy::UnlessStopped => true,
            Policy::OnFailure(most) => code != 0 && (most == 0 || self.restarts < most),
        }
    }
}

fn back_off(streak: u32) -> Duration {
    FIRST_BACK_OFF.saturating_mul(2_u32.saturating_pow(streak)).min(LONGEST_BACK_OFF)
}

#[cfg(test)]
#[path = "supervision_tests.rs"]
mod tests;
