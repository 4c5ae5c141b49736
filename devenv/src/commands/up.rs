//! `devenv up`: brings the stack up; attached, it shows output and Ctrl-C stops everything again.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt as _;

use crate::cli::{Format, Up};
use crate::commands::interrupt::Interrupts;
use crate::commands::session::{Prepared, Session};
use crate::commands::{Failure, logs, running};
use crate::engine::LogOptions;
use crate::engine::reconcile::Goal;
use crate::engine::timings::Timings;
use crate::event::{Event, Reporter};
use crate::exit::Exit;
use crate::stack::{Depth, Lock};
use crate::ui::{self, Ui};

/// How often an attached `up` looks whether somebody else took the stack down.
const LOOK: Duration = Duration::from_secs(2);

pub(super) async fn run(args: Up, mut interrupts: Interrupts) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = up(&args, ui.reporter(), &mut interrupts).await;
    // The table comes below the progress, not between its lines.
    ui.finish().await;
    let (session, prepared, timings) = result?;
    show(&prepared, args.format, args.timings.then_some(&timings));
    if args.detach {
        return Ok(Exit::Success);
    }
    let ui = Ui::start(args.format);
    let result = attached(&session, &prepared, ui.reporter(), &mut interrupts).await;
    ui.finish().await;
    result
}

async fn up(
    args: &Up,
    reporter: &Reporter,
    interrupts: &mut Interrupts,
) -> Result<(Session, Prepared, Timings), Failure> {
    let mut session = Session::open(&args.stack, reporter)?;
    let lock = session.lock_for_up("up", reporter)?;
    let prepared = tokio::select! {
        prepared = session.prepare(Depth::Full, reporter) => prepared?,
        () = interrupts.next() => return Err(Failure::Interrupted),
    };
    let only = known(&prepared, &args.services)?;
    if args.locked {
        super::lock::verify(&session, &prepared, reporter).await?;
    }
    let timings = tokio::select! {
        up = running::bring_up(&session, &prepared, only, reporter) => up?,
        () = interrupts.next() => {
            if args.detach {
                reporter.report(Event::Note { message: "what was started goes on; `devenv down` removes it".into() });
            } else {
                stop(&session, &prepared, reporter, interrupts).await?;
                running::take_down_late_comers(&session, &prepared, &Goal::Kill, reporter).await?;
            }
            lock.abandon();
            return Err(Failure::Interrupted);
        }
    };
    Ok((session, prepared, timings))
}

/// The services that were named; a name that does not exist is a mistake of the command line.
fn known(prepared: &Prepared, names: &[String]) -> Result<BTreeSet<String>, Failure> {
    for name in names {
        running::service_under_test(prepared, Some(name))?;
    }
    Ok(names.iter().cloned().collect())
}

fn show(prepared: &Prepared, format: Format, timings: Option<&Timings>) {
    match format {
        Format::Json => {
            let url = |service| running::url_of(service).map(serde_json::Value::from);
            let services = prepared.plan.services.values();
            let urls: serde_json::Map<_, _> =
                services.filter_map(|service| Some((service.name.clone(), url(service)?))).collect();
            let engine = prepared.engine.name().to_string();
            let mut shown = serde_json::json!({ "engine": engine, "urls": urls });
            if let (Some(timings), Some(fields)) = (timings, shown.as_object_mut()) {
                fields.insert("timings".to_owned(), serde_json::json!(timings));
            }
            ui::print(&shown.to_string());
        }
        Format::Text => {
            ui::print_apart(&running::urls(prepared));
            if let Some(timings) = timings {
                ui::print(&format!("\n{}", running::timings_text(timings)));
            }
        }
    }
}

/// Shows output until Ctrl-C, then stops everything.
async fn attached(
    session: &Session,
    prepared: &Prepared,
    reporter: &Reporter,
    interrupts: &mut Interrupts,
) -> Result<Exit, Failure> {
    tokio::select! {
        failure = follow(session, prepared) => return Err(failure),
        () = gone(session, prepared) => {
            reporter.report(Event::Note { message: "the stack was taken down by somebody else".into() });
            return Ok(Exit::Success);
        }
        () = interrupts.next() => ui::leave_line(),
    }
    let _lock = Lock::take(&session.project, "up")?;
    stop(session, prepared, reporter, interrupts).await?;
    Ok(Exit::Success)
}

/// Prints output as it comes; ends only when it cannot be read any more.
async fn follow(session: &Session, prepared: &Prepared) -> Failure {
    let names: Vec<String> = prepared.plan.services.keys().cloned().collect();
    let options = LogOptions { follow: true, tail: Some(0) };
    let mut lines = match prepared.engine.logs(&session.project, &names, options).await {
        Ok(lines) => lines,
        Err(error) => return error.into(),
    };
    while let Some(line) = lines.next().await {
        match line {
            Ok(line) => ui::print(&logs::text(&line)),
            // Another service can still be read.
            Err(error) => tracing::debug!(%error, "output is lost"),
        }
    }
    // What can be done about an engine that went away is said when the stack is stopped.
    std::future::pending().await
}

/// Ends when nothing of the stack is left: somebody typed `devenv down` elsewhere.
async fn gone(session: &Session, prepared: &Prepared) {
    loop {
        tokio::time::sleep(LOOK).await;
        let observed = prepared.engine.observe(&session.project).await;
        if observed.is_ok_and(|observed| observed.services.is_empty()) {
            return;
        }
    }
}

/// Stops gracefully; the next Ctrl-C kills.
async fn stop(
    session: &Session,
    prepared: &Prepared,
    reporter: &Reporter,
    interrupts: &mut Interrupts,
) -> Result<(), Failure> {
    reporter.report(Event::Note { message: "stopping (Ctrl-C again to kill)".into() });
    let stopped = Goal::Stop { only: BTreeSet::new() };
    tokio::select! {
        result = running::take_down(session, prepared, &stopped, reporter) => result,
        () = interrupts.next() => running::take_down(session, prepared, &Goal::Kill, reporter).await,
    }
}
