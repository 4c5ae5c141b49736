//! What happens, as data: the source of truth of every display. Must not know how it is shown.

use serde::Serialize;
use tokio::sync::mpsc;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// The engine was chosen.
    EngineChosen {
        /// `docker` or `embedded`.
        engine: String,
        /// Why, in one sentence.
        reason: String,
    },
    /// So many steps will be taken.
    Planned {
        /// Number of steps; 0: nothing to do.
        steps: usize,
    },
    /// A step began.
    StepStarted {
        /// What it acts on: a service, network or volume.
        subject: String,
        /// What is done, e.g. `start`.
        action: String,
        /// Why.
        cause: String,
    },
    /// A step goes on.
    StepProgress {
        /// What it acts on.
        subject: String,
        /// What is going on, e.g. `pulling 40 %`, `waiting for http /health: connection refused`.
        message: String,
    },
    /// A step ended well.
    StepFinished {
        /// What it acts on.
        subject: String,
        /// What was done.
        action: String,
        /// How long it took.
        duration_ms: u64,
    },
    /// A step failed.
    StepFailed {
        /// What it acts on.
        subject: String,
        /// What was tried.
        action: String,
        /// The error.
        error: String,
    },
    /// A step was not taken because one before it failed.
    StepSkipped {
        /// What it acts on.
        subject: String,
        /// What was not done.
        action: String,
    },
    /// Something that is no failure but should be known.
    Warning {
        /// The sentence.
        message: String,
    },
    /// A line of news that is neither step nor warning.
    Note {
        /// The sentence.
        message: String,
    },
    /// Test progress.
    Tests {
        /// Reads, writes, destructive requests, sessions.
        phase: String,
        /// Requests done.
        done: usize,
        /// Requests planned.
        total: usize,
    },
}

/// Where events go. Cheap to clone; sending never waits and never fails.
#[derive(Clone, Debug)]
pub struct Reporter(mpsc::UnboundedSender<Event>);

impl Reporter {
    /// A reporter and the stream of what is reported.
    #[must_use]
    pub fn channel() -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Reports one event; after the display is gone, nobody listens and that is fine.
    pub fn report(&self, event: Event) {
        drop(self.0.send(event));
    }
}
