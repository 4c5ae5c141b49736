//! Events as one live line for each service, on a terminal.
//!
//! A walk from one goal to the next is a section: its lines are sorted and move while it lasts, then stay as text.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::style::{SUBJECT, Style, cut, line, took};
use super::{Display, width};
use crate::event::Event;

/// How long something goes on before it is told for how long.
const WORTH_TELLING: Duration = Duration::from_secs(2);

/// The line of test progress.
const TESTS: &str = "tests";

/// The live lines of a section.
pub(super) struct Bars {
    all: MultiProgress,
    style: Style,
    section: BTreeMap<String, Bar>,
    /// Something was written, and the cursor is at its end.
    written: bool,
}

struct Bar {
    live: ProgressBar,
    begin: Instant,
    /// The line that stays, once there is nothing more to wait for.
    end: Option<String>,
}

impl Bars {
    pub(super) fn new(style: Style) -> Self {
        Self { all: MultiProgress::new(), style, section: BTreeMap::new(), written: false }
    }

    /// The line of a subject: made in its sorted place, or brought back to life when it had ended.
    fn bar(&mut self, subject: &str) -> &mut Bar {
        let next = self.section.range(subject.to_owned()..).next().map(|(_, bar)| bar.live.clone());
        if self.section.is_empty() {
            super::echo::hush();
        }
        let (all, style) = (&self.all, self.style);
        let bar = self.section.entry(subject.to_owned()).or_insert_with(|| {
            // Dressed before it is shown.
            let live = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
            let live = live.with_style(spinner(style)).with_prefix(cut(subject, SUBJECT));
            let live = match next {
                Some(next) => all.insert_before(&next, live),
                None => all.add(live),
            };
            Bar { live, begin: Instant::now(), end: None }
        });
        if bar.end.take().is_some() {
            bar.live.set_style(spinner(style));
        }
        bar
    }

    fn going(&mut self, subject: &str, message: impl Into<String>) {
        self.bar(subject).live.set_message(message.into());
    }

    /// The subject came to rest; `past` says how, its time is added.
    fn ended(&mut self, subject: &str, mark: &str, past: &str) {
        let style = self.style;
        let bar = self.bar(subject);
        let text = match bar.begin.elapsed() {
            long if mark == style.good => format!("{past} in {}", took(long)),
            _ => past.to_owned(),
        };
        bar.live.set_style(resting(mark));
        bar.live.set_message(text.clone());
        bar.end = Some(line(mark, subject, &text, width()));
    }

    fn say(&mut self, text: &str) {
        self.written = true;
        drop(self.all.println(text));
    }

    /// Live lines become text; those that did not come to rest go away.
    fn close(&mut self) {
        let lines: Vec<String> = std::mem::take(&mut self.section)
            .into_values()
            .filter_map(|bar| {
                bar.live.finish_and_clear();
                bar.end
            })
            .collect();
        drop(self.all.clear());
        super::echo::restore();
        lines.iter().for_each(|line| self.say(line));
    }

    fn tests(&mut self, phase: &str, done: usize, total: usize) {
        if !self.section.contains_key(TESTS) {
            self.close();
        }
        if done == total {
            let good = self.style.good;
            return self.ended(TESTS, good, &format!("{total} steps"));
        }
        let style = self.style;
        let live = &self.bar(TESTS).live;
        live.set_style(counter(style));
        live.set_length(total.try_into().unwrap_or(u64::MAX));
        live.set_position(done.try_into().unwrap_or(u64::MAX));
        live.set_message(phase.to_owned());
    }
}

impl Display for Bars {
    fn show(&mut self, event: &Event) {
        match event {
            Event::EngineChosen { engine, reason } => self.say(&format!("engine: {engine} ({reason})")),
            Event::Planned { steps } => {
                self.close();
                if *steps == 0 {
                    self.say("nothing to do");
                }
            }
            Event::StepStarted { subject, action, cause } => {
                if let Some(doing) = doing(action) {
                    let why = if matches!(cause.as_str(), "requested" | "missing") {
                        String::new()
                    } else {
                        format!(" ({cause})")
                    };
                    self.going(subject, format!("{doing}{why}"));
                }
            }
            Event::StepProgress { subject, message } => self.going(subject, message),
            Event::StepFinished { subject, action, .. } => match action.as_str() {
                "create" => self.going(subject, "waiting for what it needs"),
                "await ready" => self.ended(subject, self.style.good, "ready"),
                "await exit" => self.ended(subject, self.style.good, "done"),
                "stop" => self.ended(subject, self.style.good, "stopped"),
                "kill" => self.ended(subject, self.style.good, "killed"),
                "remove" => self.ended(subject, self.style.good, "removed"),
                _ => {}
            },
            // What exactly went wrong is told at the end, in full.
            Event::StepFailed { subject, action, .. } => {
                self.ended(subject, self.style.bad, &format!("failed to {}", failing(action)));
            }
            Event::StepSkipped { subject, action } if action == "start" => {
                self.ended(subject, self.style.skipped, "not started, because something before it failed");
            }
            Event::StepSkipped { .. } => {}
            Event::Warning { message } => self.say(&format!("{} {message}", self.style.warning)),
            Event::Note { message } => self.say(message),
            Event::Tests { phase, done, total } => self.tests(phase, *done, *total),
        }
    }

    fn tick(&mut self) {
        for bar in self.section.values().filter(|bar| bar.end.is_none()) {
            bar.live.tick();
        }
    }

    fn every(&self) -> Option<Duration> {
        Some(Duration::from_millis(100))
    }

    fn finish(&mut self) {
        self.close();
        if self.written {
            super::complain("");
        }
    }
}

fn template(text: &str) -> ProgressStyle {
    ProgressStyle::with_template(text).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn spinner(style: Style) -> ProgressStyle {
    let text = if style.coloured {
        "{spinner:.cyan} {prefix:<16!} {wide_msg:.dim}{waited:.dim}"
    } else {
        "{spinner} {prefix:<16!} {wide_msg}{waited}"
    };
    template(text).with_key("waited", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        if state.elapsed() >= WORTH_TELLING {
            let _ = write!(out, " {} s", state.elapsed().as_secs());
        }
    })
}

fn counter(style: Style) -> ProgressStyle {
    let bar = if style.coloured {
        "{spinner:.cyan} {prefix:<16!} {bar:24.cyan/dim} {pos}/{len} {wide_msg}"
    } else {
        "{spinner} {prefix:<16!} {bar:24} {pos}/{len} {wide_msg}"
    };
    template(bar).progress_chars("━━─")
}

fn resting(mark: &str) -> ProgressStyle {
    template(&format!("{mark} {{prefix:<16!}} {{wide_msg}}"))
}

/// What is going on during an action; nothing for those that are over at once.
fn doing(action: &str) -> Option<&str> {
    match action {
        "provide" => Some("preparing"),
        "create" => Some("creating"),
        "start" => Some("starting"),
        "await ready" => Some("waiting until ready"),
        "await exit" => Some("waiting until done"),
        "stop" => Some("stopping"),
        "kill" => Some("killing"),
        "remove" => Some("removing"),
        _ => None,
    }
}

fn failing(action: &str) -> &str {
    match action {
        "await ready" => "get ready",
        "await exit" => "complete",
        "provide" => "prepare",
        other => other,
    }
}
