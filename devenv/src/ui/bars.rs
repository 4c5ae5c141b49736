//! Events as one live line for each service, on a terminal.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::Display;
use crate::event::Event;

/// A spinner for each service that is being worked on; finished ones stay as a line.
pub(super) struct Bars {
    all: MultiProgress,
    bars: BTreeMap<String, (ProgressBar, Instant)>,
}

impl Bars {
    pub(super) fn new() -> Self {
        Self { all: MultiProgress::new(), bars: BTreeMap::new() }
    }

    fn bar(&mut self, subject: &str) -> &ProgressBar {
        let all = &self.all;
        let (bar, _) = self.bars.entry(subject.into()).or_insert_with(|| {
            let bar = all.add(ProgressBar::new_spinner());
            let style = ProgressStyle::with_template("{spinner:.cyan} {prefix:<16} {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_prefix(subject.to_owned());
            bar.enable_steady_tick(Duration::from_millis(80));
            (bar, Instant::now())
        });
        bar
    }

    fn end(&mut self, subject: &str, mark: &str, message: String) {
        self.bar(subject);
        if let Some((bar, _)) = self.bars.remove(subject) {
            let template = format!("{mark} {{prefix:<16}} {{msg}}");
            if let Ok(style) = ProgressStyle::with_template(&template) {
                bar.set_style(style);
            }
            bar.finish_with_message(message);
        }
    }

    fn since(&self, subject: &str) -> u128 {
        self.bars.get(subject).map_or(0, |(_, begin)| begin.elapsed().as_millis())
    }

    fn line(&self, text: &str) {
        drop(self.all.println(text));
    }
}

impl Display for Bars {
    fn show(&mut self, event: &Event) {
        match event {
            Event::EngineChosen { engine, reason } => self.line(&format!("engine: {engine} ({reason})")),
            Event::Planned { steps: 0 } => self.line("nothing to do"),
            Event::Planned { .. } => {}
            Event::StepStarted { action, .. } if action.contains("network") || action.contains("volume") => {}
            Event::StepFinished { action, .. } if action.contains("network") || action.contains("volume") => {}
            Event::StepStarted { subject, action, cause } => {
                let why = if cause == "requested" || cause == "missing" { String::new() } else { format!(" ({cause})") };
                self.bar(subject).set_message(format!("{}{why}", doing(action)));
            }
            Event::StepProgress { subject, message } => self.bar(subject).set_message(message.clone()),
            Event::StepFinished { subject, action, .. } if action == "await ready" => {
                let text = format!("ready in {} ms", self.since(subject));
                self.end(subject, "\x1b[32m✔\x1b[0m", text);
            }
            Event::StepFinished { subject, action, .. } if action == "remove" => {
                self.end(subject, "\x1b[32m✔\x1b[0m", "removed".into());
            }
            Event::StepFinished { .. } => {}
            Event::StepFailed { subject, error, .. } => self.end(subject, "\x1b[31m✘\x1b[0m", error.clone()),
            Event::StepSkipped { subject, action } => {
                if action == "start" {
                    self.end(subject, "\x1b[33m-\x1b[0m", "not started, because something before it failed".into());
                }
            }
            Event::Warning { message } => self.line(&format!("\x1b[33mwarning:\x1b[0m {message}")),
            Event::Note { message } => self.line(message),
            Event::Tests { done, total, .. } if done == total => {
                self.end("tests", "\x1b[32m✔\x1b[0m", format!("{total} steps in {} ms", self.since("tests")));
            }
            Event::Tests { phase, done, total } => {
                self.bar("tests").set_message(format!("{phase}: {done} of {total} steps"));
            }
        }
    }

    fn finish(&mut self) {
        for (bar, _) in self.bars.values() {
            bar.finish_and_clear();
        }
    }
}

fn doing(action: &str) -> &str {
    match action {
        "provide" => "preparing",
        "create" => "creating",
        "start" => "starting",
        "await ready" => "waiting until ready",
        "await exit" => "waiting until done",
        "stop" => "stopping",
        "remove" => "removing",
        other => other,
    }
}
