//! `devenv up`: brings the stack up; attached, it shows output and Ctrl-C stops everything again.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;

use crate::cli::Up;
use crate::commands::session::{Prepared, Session};
use crate::commands::{Failure, logs, running};
use crate::engine::LogOptions;
use crate::engine::reconcile::Goal;
use crate::event::{Event, Reporter};
use crate::exit::Exit;
use crate::stack::{Depth, Lock};
use crate::ui::{self, Ui};

pub(super) async fn run(args: Up) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = up(&args, &ui).await;
    ui.finish().await;
    result
}

async fn up(args: &Up, ui: &Ui) -> Result<Exit, Failure> {
    let reporter = ui.reporter().clone();
    let session = Session::open(&args.stack, &reporter)?;
    let lock = Lock::take(&session.project, "up")?;
    let work = async {
        let prepared = session.prepare(Depth::Full, &reporter).await?;
        let only = known(&prepared, &args.services)?;
        running::bring_up(&session, &prepared, only, &reporter).await?;
        Ok::<_, Failure>(prepared)
    };
    let prepared = tokio::select! {
        prepared = work => prepared?,
        _ = tokio::signal::ctrl_c() => return Err(Failure::Interrupted),
    };
    drop(lock);
    show(&prepared, ui);
    if args.detach {
        return Ok(Exit::Success);
    }
    attached(&session, &prepared, &reporter).await
}

/// The services that were named; a name that does not exist is a mistake of the command line.
fn known(prepared: &Prepared, names: &[String]) -> Result<BTreeSet<String>, Failure> {
    for name in names {
        running::service_under_test(prepared, Some(name))?;
    }
    Ok(names.iter().cloned().collect())
}

fn show(prepared: &Prepared, ui: &Ui) {
    if ui.is_json() {
        let urls: serde_json::Map<String, serde_json::Value> = prepared
            .plan
            .services
            .values()
            .filter_map(|service| Some((service.name.clone(), running::url_of(service)?.into())))
            .collect();
        ui::print(&serde_json::json!({ "engine": prepared.engine.name().to_string(), "urls": urls }).to_string());
    } else {
        ui::print(&running::urls(prepared));
    }
}

/// Follows output until Ctrl-C, then stops gracefully; a second Ctrl-C removes at once.
async fn attached(session: &Session, prepared: &Prepared, reporter: &Reporter) -> Result<Exit, Failure> {
    let names: Vec<String> = prepared.plan.services.keys().cloned().collect();
    let mut lines = prepared.engine.logs(&session.project, &names, LogOptions { follow: true, tail: Some(0) }).await?;
    let follow = async {
        while let Some(line) = lines.next().await {
            if let Ok(line) = line {
                ui::print(&logs::text(&line));
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = follow => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    reporter.report(Event::Note { message: "stopping (Ctrl-C again to kill)".into() });
    let _lock = Lock::take(&session.project, "up")?;
    tokio::select! {
        result = running::take_down(session, prepared, &Goal::Stop, reporter) => result?,
        _ = tokio::signal::ctrl_c() => kill(session, prepared, reporter).await?,
    }
    Ok(Exit::Success)
}

/// Ends everything without waiting for grace periods: removal is by force.
async fn kill(session: &Session, prepared: &Prepared, reporter: &Reporter) -> Result<(), Failure> {
    let observed = prepared.engine.observe(&session.project).await?;
    for name in observed.services.keys() {
        let action = crate::engine::Action::Remove(name.clone());
        prepared.engine.perform(&prepared.plan, &action, reporter).await?;
    }
    Ok(())
}
