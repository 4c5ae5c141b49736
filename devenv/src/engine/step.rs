//! One action with its cause and what it waits for. Must not know how actions are done.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What.
    pub action: Action,
    /// Why.
    pub cause: Cause,
    /// Indices of steps (in the list that this step is in, all smaller than its own) that must have succeeded before.
    pub after: Vec<usize>,
}

/// What can be done. Names are those of the plan; for removals those of what was observed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Makes a network.
    CreateNetwork(String),
    /// Makes a named volume.
    CreateVolume(String),
    /// Makes sure that what the service is run from is there: pulls the image, or packages the executable.
    Provide(String),
    /// Makes the container, files included; for processes: writes files and record.
    Create(String),
    /// Starts it.
    Start(String),
    /// Waits until its readiness test passes (or it runs, without a test).
    AwaitReady(String),
    /// Waits until it has exited with 0.
    AwaitExit(String),
    /// Ends it gracefully, then by force after its grace.
    Stop(String),
    /// Ends it at once, without its grace.
    Kill(String),
    /// Freezes it.
    Pause(String),
    /// Lets it go on.
    Resume(String),
    /// Removes the container or the record and files; one that runs is ended gracefully before.
    Remove(String),
    /// Removes a network.
    RemoveNetwork(String),
    /// Removes a named volume.
    RemoveVolume(String),
}

impl Action {
    /// What it acts on.
    #[must_use]
    pub fn subject(&self) -> &str {
        match self {
            Self::CreateNetwork(name)
            | Self::CreateVolume(name)
            | Self::Provide(name)
            | Self::Create(name)
            | Self::Start(name)
            | Self::AwaitReady(name)
            | Self::AwaitExit(name)
            | Self::Stop(name)
            | Self::Kill(name)
            | Self::Pause(name)
            | Self::Resume(name)
            | Self::Remove(name)
            | Self::RemoveNetwork(name)
            | Self::RemoveVolume(name) => name,
        }
    }

    /// What it does, in one or two words.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::CreateNetwork(_) => "create network",
            Self::CreateVolume(_) => "create volume",
            Self::Provide(_) => "provide",
            Self::Create(_) => "create",
            Self::Start(_) => "start",
            Self::AwaitReady(_) => "await ready",
            Self::AwaitExit(_) => "await exit",
            Self::Stop(_) => "stop",
            Self::Kill(_) => "kill",
            Self::Pause(_) => "pause",
            Self::Resume(_) => "resume",
            Self::Remove(_) => "remove",
            Self::RemoveNetwork(_) => "remove network",
            Self::RemoveVolume(_) => "remove volume",
        }
    }
}

/// Why something is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It is not there.
    Missing,
    /// These fields differ from what runs.
    Changed(Vec<String>),
    /// It runs differently from how it was made: somebody changed it by hand. In these respects.
    Drifted(Vec<String>),
    /// It is there and does not run.
    NotRunning,
    /// A service that it cannot outlive is replaced.
    Follows(String),
    /// The manifest does not know it any more.
    Orphan,
    /// A service that waits for it.
    Wanted(String),
    /// It runs, and nobody saw it become ready.
    Unproven,
    /// The user asked.
    Requested,
}

impl Cause {
    /// The kind of cause, as one word for programs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Changed(_) => "changed",
            Self::Drifted(_) => "drifted",
            Self::NotRunning => "not_running",
            Self::Follows(_) => "follows",
            Self::Orphan => "orphan",
            Self::Wanted(_) => "wanted",
            Self::Unproven => "unproven",
            Self::Requested => "requested",
        }
    }

    /// What is different, field by field, where something is.
    #[must_use]
    pub fn fields(&self) -> &[String] {
        match self {
            Self::Changed(fields) | Self::Drifted(fields) => fields,
            _ => &[],
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::Changed(fields) => write!(f, "changed: {}", fields.join(", ")),
            Self::Drifted(how) => write!(f, "drifted: {}", how.join(", ")),
            Self::NotRunning => f.write_str("not running"),
            Self::Follows(service) => write!(f, "`{service}` is replaced"),
            Self::Orphan => f.write_str("orphan: not in the manifest"),
            Self::Unproven => f.write_str("runs, but was not seen ready"),
            Self::Wanted(service) => write!(f, "`{service}` waits for it"),
            Self::Requested => f.write_str("requested"),
        }
    }
}
