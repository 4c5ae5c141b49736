//! Events to what people and programs see. Must not know commands, engines or plans: events and tables only.

mod bars;
mod json;
mod plain;
mod table;

use std::io::IsTerminal as _;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

use crate::cli::Format;
use crate::event::{Event, Reporter};

pub use table::Table;

/// How events become visible.
trait Display: Send {
    /// Shows one event.
    fn show(&mut self, event: &Event);
    /// Leaves the terminal tidy.
    fn finish(&mut self) {}
}

/// The running display of a command. Progress goes to standard error, results to standard output.
#[derive(Debug)]
pub struct Ui {
    format: Format,
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
            Format::Text if std::io::stderr().is_terminal() => Box::new(bars::Bars::new()),
            Format::Text => Box::new(plain::Plain::default()),
        };
        let task = tokio::spawn(drive(display, events));
        Self { format, reporter, task }
    }

    /// Where to report to.
    #[must_use]
    pub fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    /// Whether results are for programs.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Shows what is still to be shown and ends.
    pub async fn finish(self) {
        drop(self.reporter);
        drop(self.task.await);
    }
}

async fn drive(mut display: Box<dyn Display>, mut events: UnboundedReceiver<Event>) {
    while let Some(event) = events.recv().await {
        display.show(&event);
    }
    display.finish();
}

/// Prints a result on standard output; a reader that went away (`| head`) is no error.
pub fn print(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{text}"));
    drop(out.flush());
}

/// Prints a message on standard error.
pub fn complain(text: &str) {
    use std::io::Write as _;
    drop(writeln!(std::io::stderr().lock(), "{text}"));
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
