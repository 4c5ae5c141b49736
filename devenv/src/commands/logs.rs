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
    loop {
        let line = tokio::select! {
            line = lines.next() => line,
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
        };
        match line {
            None => return Ok(Exit::Success),
            Some(line) => {
                let line = line?;
                match args.format {
                    Format::Text => ui::print(&text(&line)),
                    Format::Json => {
                        let stream = if line.stderr { "stderr" } else { "stdout" };
                        let value = serde_json::json!({ "service": line.service, "stream": stream, "text": line.text });
                        ui::print(&value.to_string());
                    }
                }
            }
        }
    }
}

/// A line with the name of its service before it.
pub(super) fn text(line: &LogLine) -> String {
    format!("{:<12} | {}", line.service, line.text)
}
