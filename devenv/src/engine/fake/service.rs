//! One remembered service: its states and what it says. Must not know of other services.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::engine::{ObservedService, ServiceState};
use crate::plan::PlannedService;

/// What a service does once it is started: unless it is told otherwise it says hello and runs until it is stopped.
#[derive(Clone, Debug)]
pub struct Part {
    /// It prints `NAME says THIS`.
    pub says: String,
    /// It ends by itself at once with this exit code.
    pub ends: Option<i64>,
    /// It ignores its stop signal and has to be killed.
    pub deaf: bool,
    /// It cannot be started at all.
    pub refused: bool,
}

impl Default for Part {
    fn default() -> Self {
        Self { says: "hello".into(), ends: None, deaf: false, refused: false }
    }
}

/// A service that was made.
#[derive(Debug)]
pub(super) struct Service {
    planned: PlannedService,
    id: String,
    state: ServiceState,
    started_at: i64,
    said: Vec<String>,
}

impl Service {
    pub(super) fn created(planned: &PlannedService, now: i64) -> Self {
        Self {
            planned: planned.clone(),
            id: format!("fake-{}-{now}", planned.name),
            state: ServiceState::Created,
            started_at: 0,
            said: vec![],
        }
    }

    /// What it was made from.
    pub(super) fn planned(&self) -> &PlannedService {
        &self.planned
    }

    pub(super) fn state(&self) -> ServiceState {
        self.state.clone()
    }

    /// Everything that it said since it was made, oldest first.
    pub(super) fn said(&self) -> &[String] {
        &self.said
    }

    pub(super) fn runs(&self) -> bool {
        matches!(self.state, ServiceState::Running | ServiceState::Paused | ServiceState::Restarting)
    }

    /// Freezes what runs, or lets it go on.
    pub(super) fn freeze(&mut self, frozen: bool) {
        if self.runs() {
            self.state = if frozen { ServiceState::Paused } else { ServiceState::Running };
        }
    }

    /// One that runs is left alone.
    pub(super) fn start(&mut self, part: &Part, now: i64) {
        self.freeze(false);
        if self.runs() {
            return;
        }
        self.said.push(format!("{} says {}", self.planned.name, part.says));
        self.started_at = now;
        self.state = part.ends.map_or(ServiceState::Running, |code| ServiceState::Exited { code });
    }

    /// Says whether it had to be killed. One that does not run stays as it is.
    pub(super) fn stop(&mut self, part: &Part) -> bool {
        let killed = self.runs() && part.deaf;
        self.end(if killed { 137 } else { 143 });
        killed
    }

    pub(super) fn end(&mut self, code: i64) {
        if self.runs() {
            self.state = ServiceState::Exited { code };
        }
    }

    pub(super) fn observed(&self) -> ObservedService {
        ObservedService {
            id: self.id.clone(),
            fingerprint: self.planned.fingerprint.clone(),
            state: self.state(),
            // Nothing leads to what does not run.
            ports: if self.runs() { self.planned.ports.clone() } else { vec![] },
            on_host: self.planned.on_host(),
            started_at: self.started_at,
            detached: false,
            circumstances: crate::engine::observed::Circumstances::default(),
        }
    }
}
