//! Why a command could not do its work: the exit code, the sentence, the advice, and the proof.

use std::fmt::Write as _;

use crate::engine::EngineError;
use crate::engine::execute::Failure as StepFailure;
use crate::exit::Exit;
use crate::manifest::Problems;
use crate::plan::ResolveError;
use crate::sources::SourceError;
use crate::stack::{
    ArtifactError, ContextError, ImageLockError, LocateError, LockError, PortsError, SecretsError, SnapshotError,
};

/// The end of a command that did not work out.
#[derive(Debug)]
pub enum Failure {
    /// Mistakes in a file, each with its position.
    Problems(Problems),
    /// Anything else.
    Other {
        /// Exit code.
        exit: Exit,
        /// What went wrong, one sentence each.
        messages: Vec<Message>,
    },
    /// The user pressed Ctrl-C.
    Interrupted,
}

/// One thing that went wrong.
#[derive(Debug, Default)]
pub struct Message {
    /// The sentence.
    pub text: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Output that explains it, oldest line first.
    pub log: Vec<String>,
}

impl Failure {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Problems(_) => Exit::Usage,
            Self::Other { exit, .. } => *exit,
            Self::Interrupted => Exit::Interrupted,
        }
    }

    /// A failure of one sentence.
    #[must_use]
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self::Other { exit, messages: vec![Message { text: text.into(), ..Message::default() }] }
    }

    /// A failure of one sentence with advice.
    #[must_use]
    pub fn with_help(exit: Exit, text: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Other { exit, messages: vec![Message { text: text.into(), help: Some(help.into()), log: vec![] }] }
    }

    /// The failed steps of a run.
    #[must_use]
    pub fn of_steps(failures: Vec<StepFailure>) -> Self {
        let mut messages: Vec<Message> = Vec::new();
        for failure in failures {
            let text = failure.error.to_string();
            // An engine that goes away fails many steps for one reason.
            if !messages.iter().any(|message| message.text == text) {
                messages.push(Message { text, help: failure.error.help(), log: failure.log });
            }
        }
        Self::Other { exit: Exit::World, messages }
    }

    /// The text for people, without a trailing line end.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let (red, dim, plain) = if colour { ("\x1b[31;1m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
        match self {
            Self::Problems(problems) => crate::manifest::render(problems, colour),
            Self::Interrupted => "interrupted".into(),
            Self::Other { messages, .. } => {
                let mut out = String::new();
                for message in messages {
                    let _ = writeln!(out, "{red}error:{plain} {}", message.text);
                    for line in &message.log {
                        let _ = writeln!(out, "  {dim}|{plain} {line}");
                    }
                    if let Some(help) = &message.help {
                        let _ = writeln!(out, "  help: {help}");
                    }
                }
                out.trim_end().to_owned()
            }
        }
    }

    /// The same as JSON: `{"error": {"exit": N, "messages": […]}}`, or the problems with their positions.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let messages = match self {
            Self::Problems(problems) => crate::manifest::to_json(problems),
            Self::Interrupted => serde_json::json!([{ "message": "interrupted" }]),
            Self::Other { messages, .. } => messages
                .iter()
                .map(|message| serde_json::json!({ "message": message.text, "help": message.help, "log": message.log }))
                .collect(),
        };
        serde_json::json!({ "error": { "exit": self.exit().code(), "messages": messages } })
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Problems(problems)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let message = Message { text: error.to_string(), help: error.help(), log: vec![] };
        Self::Other { exit: Exit::World, messages: vec![message] }
    }
}

impl From<Vec<ResolveError>> for Failure {
    fn from(errors: Vec<ResolveError>) -> Self {
        let message = |error: ResolveError| Message { text: error.to_string(), help: error.help(), log: vec![] };
        Self::Other { exit: Exit::Usage, messages: errors.into_iter().map(message).collect() }
    }
}

impl From<LocateError> for Failure {
    fn from(error: LocateError) -> Self {
        Self::with_help(Exit::Usage, error.to_string(), "go to a project, or name one with `--dir DIR`")
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Held { .. } => Self::with_help(Exit::World, error.to_string(), "wait for it, or end it"),
            LockError::File { .. } => {
                Self::with_help(Exit::World, error.to_string(), "set XDG_STATE_HOME to a directory that you can write")
            }
        }
    }
}

impl From<SecretsError> for Failure {
    fn from(error: SecretsError) -> Self {
        Self::new(Exit::World, error.to_string())
    }
}

impl From<ContextError> for Failure {
    fn from(error: ContextError) -> Self {
        match error {
            ContextError::Artifact(ArtifactError::Build { ref output, .. }) => {
                let log = output.lines().map(str::to_owned).collect();
                let message = Message { text: error.to_string(), help: None, log };
                Self::Other { exit: Exit::World, messages: vec![message] }
            }
            ContextError::File { .. } | ContextError::Build { .. } => Self::new(Exit::Usage, error.to_string()),
            ContextError::Artifact(_) | ContextError::Secrets(_) => Self::new(Exit::World, error.to_string()),
        }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::new(Exit::Usage, error.to_string())
    }
}

impl From<ImageLockError> for Failure {
    fn from(error: ImageLockError) -> Self {
        Self::new(Exit::Usage, error.to_string())
    }
}

impl From<SnapshotError> for Failure {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::File { .. } => Self::new(Exit::World, error.to_string()),
            SnapshotError::Missing { .. } => {
                Self::with_help(Exit::Usage, error.to_string(), "`devenv snapshot NAME` takes one")
            }
            SnapshotError::Name(_) => Self::new(Exit::Usage, error.to_string()),
            SnapshotError::TooLarge(_) => {
                let help = "keep such data elsewhere, or let the service make it anew from something smaller";
                Self::with_help(Exit::World, error.to_string(), help)
            }
        }
    }
}

impl From<PortsError> for Failure {
    fn from(error: PortsError) -> Self {
        let help = match error {
            PortsError::File { .. } => "set XDG_STATE_HOME to a directory that you can write",
            PortsError::NoneFree(_) => "take a stack down that is not needed (`devenv down` in its directory)",
        };
        Self::with_help(Exit::World, error.to_string(), help)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::World, error.to_string())
    }
}
