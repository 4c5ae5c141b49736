//! Events to what people and programs see. Must not know commands, engines or plans: events and tables only.

mod bars;
mod echo;
mod json;
mod plain;
mod style;
mod table;

use std::io::IsTerminal as _;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

use crate::cli::Format;
use crate::event::{Event, Reporter};

pub use table::Table;

/// How events become visible.
trait Display: Send {
    /// Shows one event.
    fn show(&mut self, event: &Event);
    /// Moves what moves.
    fn tick(&mut self) {}
    /// How often it moves.
    fn every(&self) -> Option<Duration> {
        None
    }
    /// Leaves the terminal tidy.
    fn finish(&mut self) {}
}

/// The running display of a command. Progress goes to standard error, results to standard output.
#[derive(Debug)]
pub struct Ui {
    reporter: Reporter,
    task: JoinHandle<()>,
}

impl Ui {
    /// Starts a display that suits the format and the terminal.
    #[must_use]
    pub fn start(format: Format) -> Self {
        let (reporter, events) = Reporter::channel();
        let display: Box<dyn Display> = match format {
            Format::Json => Box::new(json::JsonLines),
            Format::Text if animated() => {
                Box::new(bars::Bars::new(if colour_stderr() { style::Style::COLOURED } else { style::Style::PLAIN }))
            }
            Format::Text => Box::new(plain::Plain::default()),
        };
        let task = tokio::spawn(drive(display, events));
        Self { reporter, task }
    }

    /// Where to report to.
    #[must_use]
    pub fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    /// Shows what is still to be shown and ends.
    pub async fn finish(self) {
        drop(self.reporter);
        drop(self.task.await);
    }
}

async fn drive(mut display: Box<dyn Display>, mut events: UnboundedReceiver<Event>) {
    // A display that never moves is woken once in a long while.
    let mut ticks = tokio::time::interval(display.every().unwrap_or(Duration::from_secs(3600)));
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => display.show(&event),
                None => break,
            },
            _ = ticks.tick() => display.tick(),
        }
    }
    display.finish();
}

/// A terminal that can move its cursor; the logs of a CI system are none, even where it pretends.
fn animated() -> bool {
    !in_ci() && std::io::stderr().is_terminal() && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

/// Whether a CI system runs this, by the variable that all of them set.
fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

/// Columns of the terminal on standard error; 80 when it does not say.
fn width() -> usize {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stderr());
    size.ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).unwrap_or(80)
}

/// Prints a result on standard output; a reader that went away (`| head`) is no error.
pub fn print(text: &str) {
    drop(try_print(text));
}

/// Prints a result; on a terminal with an empty line between it and what came before.
pub fn print_apart(text: &str) {
    let before = if std::io::stdout().is_terminal() { "\n" } else { "" };
    print(&format!("{before}{text}"));
}

/// The same as [`print()`] for who has more to say.
///
/// # Errors
/// The reader went away.
pub fn try_print(text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Prints a message on standard error.
pub fn complain(text: &str) {
    use std::io::Write as _;
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

/// Leaves the terminal as it was found, for who ends the program in the middle of things.
pub fn restore_terminal() {
    echo::restore();
}

/// Goes to a new line after the `^C` that the terminal wrote.
pub fn leave_line() {
    if std::io::stderr().is_terminal() {
        complain("");
    }
}

/// Whether standard output shall be coloured (a terminal, and `NO_COLOR` is not set).
#[must_use]
pub fn colour_stdout() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Whether standard error shall be coloured.
#[must_use]
pub fn colour_stderr() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}
