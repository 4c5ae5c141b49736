//! Events for commands that answer many times or in a few lines: warnings, and what a build says. Must not know commands.

use tokio::task::JoinHandle;

use crate::cli::Format;
use crate::event::{Event, Reporter};
use crate::ui;

/// A display that keeps silent about what goes well.
#[derive(Debug)]
pub(super) struct Quiet {
    reporter: Reporter,
    task: JoinHandle<()>,
}

impl Quiet {
    /// As text, lines on standard error; as JSON, nothing: the answer says it all.
    pub(super) fn start(format: Format) -> Self {
        let (reporter, mut events) = Reporter::channel();
        let task = tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let (Format::Text, Some(line)) = (format, line(event)) {
                    ui::complain(&line);
                }
            }
        });
        Self { reporter, task }
    }

    pub(super) fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    /// Shows what is still to be shown and ends.
    pub(super) async fn finish(self) {
        drop(self.reporter);
        drop(self.task.await);
    }
}

fn line(event: Event) -> Option<String> {
    match event {
        Event::Warning { message } => Some(format!("warning: {message}")),
        Event::Note { message } => Some(message),
        // What cargo compiles, not what a service waits for: that takes a moment only.
        Event::StepProgress { subject, message } if !message.starts_with("waiting") => {
            Some(format!("{subject}: {message}"))
        }
        Event::StepFailed { subject, action, .. } => Some(format!("{subject}: {action} failed")),
        Event::EngineChosen { .. }
        | Event::Planned { .. }
        | Event::StepStarted { .. }
        | Event::StepProgress { .. }
        | Event::StepFinished { .. }
        | Event::StepSkipped { .. }
        | Event::Tests { .. } => None,
    }
}
