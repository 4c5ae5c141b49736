//! Events as lines, for logs and pipes: only what changed, no animation.

use std::collections::BTreeMap;

use super::{Display, complain};
use crate::event::Event;

/// Lines on standard error.
#[derive(Default)]
pub(super) struct Plain {
    last: BTreeMap<String, String>,
}

impl Display for Plain {
    fn show(&mut self, event: &Event) {
        if let Some(line) = self.line(event) {
            complain(&line);
        }
    }
}

impl Plain {
    fn line(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::EngineChosen { engine, reason } => Some(format!("engine: {engine} ({reason})")),
            Event::Planned { steps: 0 } => Some("nothing to do".into()),
            Event::Planned { .. } | Event::Tests { .. } => None,
            Event::StepStarted { subject, action, cause } => match action.as_str() {
                "create" | "remove" if cause != "requested" => Some(format!("{subject}: {action} ({cause})")),
                _ => None,
            },
            Event::StepProgress { subject, message } => {
                let changed = self.last.insert(subject.clone(), message.clone()).as_ref() != Some(message);
                changed.then(|| format!("{subject}: {message}"))
            }
            Event::StepFinished { subject, action, duration_ms } => match action.as_str() {
                "await ready" => Some(format!("{subject}: ready in {duration_ms} ms")),
                "stop" | "kill" | "remove" => Some(format!("{subject}: {action} done in {duration_ms} ms")),
                _ => None,
            },
            Event::StepFailed { subject, action, .. } => Some(format!("{subject}: {action} failed")),
            Event::StepSkipped { subject, action } => {
                (action == "start").then(|| format!("{subject}: not started, because something before it failed"))
            }
            Event::Warning { message } => Some(format!("warning: {message}")),
            Event::Note { message } => Some(message.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_only_repeated_when_it_changes() {
        let mut plain = Plain::default();
        let event = Event::StepProgress { subject: "db".into(), message: "waiting".into() };
        assert_eq!(plain.line(&event), Some("db: waiting".into()));
        assert_eq!(plain.line(&event), None);
    }

    #[test]
    fn a_service_that_is_ready_says_after_how_long() {
        let event = Event::StepFinished { subject: "api".into(), action: "await ready".into(), duration_ms: 12 };
        assert_eq!(Plain::default().line(&event), Some("api: ready in 12 ms".into()));
    }
}
