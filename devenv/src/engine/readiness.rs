//! When a service counts as ready, for all engines: tests are run here, quickly at first, then with more patience.
//!
//! Must not know how an engine does anything. `pace` decides (pure), `probe` does a single attempt.

mod pace;
mod probe;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout, timeout_at};

use self::pace::{End, Pace, Restless, look};
use super::{Engine, EngineError, ServiceState};
use crate::event::{Event, Reporter};
use crate::manifest::{Readiness, ReadinessTest};
use crate::plan::{Plan, PlannedService};

pub use probe::ask;

/// How long a service may be away that should run, or have run.
const FIRST_LOOKS: Duration = Duration::from_secs(10);

/// How long an engine may be unable to say how a service is.
const TROUBLE: Duration = Duration::from_secs(5);

/// What an engine may take to end a command whose time is over.
const EXEC_MARGIN: Duration = Duration::from_secs(1);

/// Waits until the service's test passes while it runs; without a test, until it runs, or has already ended well.
///
/// # Errors
/// `Ended` as soon as it ended before, `NotReady` with the reason of the last attempt when its time is over or it is
/// started again and again, and whatever keeps the engine from answering.
pub async fn await_ready(
    engine: &dyn Engine,
    plan: &Plan,
    service: &PlannedService,
    reporter: &Reporter,
) -> Result<(), EngineError> {
    let watch = Watch::new(engine, plan, service, reporter);
    let Some(readiness) = &service.readiness else { return watch.until_running().await };
    let begun = Instant::now();
    let mut last = probe::before_the_first(&readiness.test);
    let end = match deadline(begun, readiness.within) {
        Some(deadline) => match timeout_at(deadline, watch.until_passed(readiness, &mut last)).await {
            Ok(end) => end,
            Err(_) => Err(End::Gone(last)),
        },
        None => watch.until_passed(readiness, &mut last).await,
    };
    end.map_err(|end| watch.error(end, begun.elapsed().min(readiness.within)))
}

/// Waits until the service has ended with 0, however long that takes.
///
/// # Errors
/// `Ended` when it ended with another code, `NotReady` when there is nothing that could end, and whatever keeps the engine
/// from answering.
pub async fn await_exit(
    engine: &dyn Engine,
    plan: &Plan,
    service: &PlannedService,
    reporter: &Reporter,
) -> Result<(), EngineError> {
    let watch = Watch::new(engine, plan, service, reporter);
    let begun = Instant::now();
    let mut pace = Pace::new();
    watch.progress("waiting for it to complete");
    let mut seen = begun;
    loop {
        let state = watch.look().await.map_err(|end| watch.error(end, begun.elapsed()))?;
        let end = match &state {
            Some(ServiceState::Exited { code: 0 }) => return Ok(()),
            Some(ServiceState::Exited { code }) => Some(End::Exited(*code)),
            Some(ServiceState::Orphaned) => Some(End::Gone(pace::ORPHANED.into())),
            Some(ServiceState::Running | ServiceState::Paused | ServiceState::Restarting) => {
                seen = Instant::now();
                None
            }
            // Nothing that could ever end.
            Some(ServiceState::Created) | None if seen.elapsed() >= FIRST_LOOKS => {
                Some(End::Gone(pace::reason(state.as_ref()).into()))
            }
            Some(ServiceState::Created) | None => None,
        };
        if let Some(end) = end {
            return Err(watch.error(end, begun.elapsed()));
        }
        sleep(pace.next_delay()).await;
    }
}

/// A time too far away to be told is none.
fn deadline(begun: Instant, within: Duration) -> Option<Instant> {
    begun.checked_add(within)
}

struct Watch<'a> {
    engine: &'a dyn Engine,
    plan: &'a Plan,
    service: &'a PlannedService,
    reporter: &'a Reporter,
    /// Since when the engine cannot say how the service is.
    troubled: Mutex<Option<Instant>>,
}

impl<'a> Watch<'a> {
    fn new(engine: &'a dyn Engine, plan: &'a Plan, service: &'a PlannedService, reporter: &'a Reporter) -> Self {
        Self { engine, plan, service, reporter, troubled: Mutex::default() }
    }

    async fn state(&self) -> Result<Option<ServiceState>, EngineError> {
        self.engine.state(&self.plan.project, &self.service.name).await
    }

    fn progress(&self, message: &str) {
        self.reporter.report(Event::StepProgress { subject: self.service.name.clone(), message: message.to_owned() });
    }

    fn error(&self, end: End, within: Duration) -> EngineError {
        let service = self.service.name.clone();
        match end {
            End::Exited(code) => EngineError::Ended { service, code },
            End::Gone(last) => EngineError::NotReady { service, within, last },
            End::Engine(error) => error,
        }
    }

    async fn until_running(&self) -> Result<(), EngineError> {
        let begun = Instant::now();
        let mut pace = Pace::new();
        loop {
            let last = match self.look().await.map_err(|end| self.error(end, begun.elapsed()))? {
                Some(ServiceState::Running | ServiceState::Exited { code: 0 }) => return Ok(()),
                Some(ServiceState::Exited { code }) => return Err(self.error(End::Exited(code), begun.elapsed())),
                state => pace::reason(state.as_ref()),
            };
            if begun.elapsed() >= FIRST_LOOKS {
                return Err(self.error(End::Gone(last.into()), begun.elapsed()));
            }
            sleep(pace.next_delay()).await;
        }
    }

    /// Attempts until one passes on a service that runs; leaves the reason of the latest failure behind.
    async fn until_passed(&self, readiness: &Readiness, last: &mut String) -> Result<(), End> {
        let mut pace = Pace::new();
        let mut restless = Restless::default();
        if let ReadinessTest::Log { .. } = readiness.test {
            self.progress(&format!("waiting for {}", probe::describe(&readiness.test)));
        }
        loop {
            let outcome = tokio::select! {
                biased;
                outcome = self.attempt(readiness) => outcome,
                end = self.until_ended() => return Err(end),
            };
            // Looked at after the test: another program may have answered on the port of a service that ended.
            let passed = match outcome {
                Ok(()) => true,
                Err(why) => {
                    if *last != why {
                        self.progress(&format!("waiting for {}: {why}", probe::describe(&readiness.test)));
                        *last = why;
                    }
                    false
                }
            };
            let state = self.look().await?;
            match look(state.as_ref(), &mut restless)? {
                pace::Look::Runs if passed => return Ok(()),
                pace::Look::Runs => {}
                pace::Look::NotYet if passed => pace::reason(state.as_ref()).clone_into(last),
                pace::Look::NotYet => {}
            }
            sleep(pace.next_delay()).await;
        }
    }

    async fn attempt(&self, readiness: &Readiness) -> Result<(), String> {
        let attempt = probe::attempt(self.engine, &self.plan.project, self.service, readiness);
        let most = match readiness.test {
            // One attempt looks at all lines that come, as long as there is time at all.
            ReadinessTest::Log { .. } => return attempt.await,
            ReadinessTest::Http { .. } | ReadinessTest::Tcp { .. } => readiness.timeout,
            // The engine ends the command in time; it gets a moment to say so.
            ReadinessTest::Exec { .. } | ReadinessTest::Shell { .. } => readiness.timeout.saturating_add(EXEC_MARGIN),
        };
        timeout(most, attempt).await.unwrap_or_else(|_| Err(format!("no answer within {} s", most.as_secs_f32())))
    }

    /// Notices beside a slow attempt that the service ended.
    async fn until_ended(&self) -> End {
        let mut pace = Pace::new();
        let mut restless = Restless::default();
        loop {
            sleep(pace.next_delay()).await;
            match self.look().await {
                Ok(state) => {
                    if let Err(end) = look(state.as_ref(), &mut restless) {
                        return end;
                    }
                }
                Err(end) => return end,
            }
        }
    }

    /// An engine that cannot be reached is the end; one that stumbles may answer the next time, if that comes soon.
    async fn look(&self) -> Result<Option<ServiceState>, End> {
        let begun = Instant::now();
        let seen = self.state().await;
        let mut troubled = self.troubled.lock().unwrap_or_else(PoisonError::into_inner);
        match seen {
            Ok(state) => {
                *troubled = None;
                Ok(state)
            }
            Err(error @ EngineError::Unreachable { .. }) => Err(End::Engine(error)),
            Err(error) if troubled.get_or_insert(begun).elapsed() >= TROUBLE => Err(End::Engine(error)),
            Err(error) => {
                tracing::debug!(service = self.service.name, %error, "the state cannot be seen");
                Ok(None)
            }
        }
    }
}

#[cfg(test)]
#[path = "readiness/tests.rs"]
mod tests;
