//! `devenv logs`: output of services.

use futures_util::StreamExt as _;

use crate::cli::{Format, Logs};
use crate::commands::session::Session;
use crate::commands::{Failure, running};
use crate::engine::{LogLine, LogOptions};
use crate::event::Reporter;
use crate::exit::Exit;
use crate::ui;

pub(super) async fn run(args: Logs) -> Result<Exit, Failure> {
    let (reporter, _events) = Reporter::channel();
    let session = Session::open(&args.stack, &reporter)?;
    let prepared = session.existing(&reporter).await?;
    for name in &args.services {
        running::service_under_test(&prepared, Some(name))?;
    }
    let names = if args.services.is_empty() {
        prepared.engine.observe(&session.project).await?.services.into_keys().collect()
    } else {
        args.services.clone()
    };
    let options = LogOptions { follow: args.follow, tail: args.tail };
    let mut lines = prepared.engine.logs(&session.project, &names, options).await?;
    while let Some(line) = lines.next().await {
        let line = line?;
        let shown = match args.format {
            Format::Text => text(&line),
            Format::Json => json(&line),
        };
        // `devenv logs -f | head` ends when `head` does.
        if ui::try_print(&shown).is_err() {
            break;
        }
    }
    Ok(Exit::Success)
}

fn json(line: &LogLine) -> String {
    let stream = if line.stderr { "stderr" } else { "stdout" };
    serde_json::json!({ "service": line.service, "stream": stream, "text": line.text }).to_string()
}

/// A line with the name of its service before it.
pub(super) fn text(line: &LogLine) -> String {
    format!("{:<12} | {}", line.service, line.text)
}
