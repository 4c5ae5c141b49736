//! `devenv down`: stops and removes everything of the stack, on whichever engine it is.

use crate::cli::{Down, EngineArg, Format};
use crate::commands::interrupt::Interrupts;
use crate::commands::session::Session;
use crate::commands::{Failure, running};
use crate::engine::reconcile::Goal;
use crate::event::{Event, Reporter};
use crate::exit::Exit;
use crate::manifest::EngineName;
use crate::stack::{Lock, Record};
use crate::ui::{self, Ui};

pub(super) async fn run(args: Down, mut interrupts: Interrupts) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = tokio::select! {
        engine = down(&args, ui.reporter()) => engine,
        // What is left is found by the next `down`.
        () = interrupts.next() => Err(Failure::Interrupted),
    };
    ui.finish().await;
    let engine = result?;
    if args.format == Format::Json {
        ui::print(&serde_json::json!({ "engine": engine.to_string() }).to_string());
    }
    Ok(Exit::Success)
}

/// Says on which engine it was.
async fn down(args: &Down, reporter: &Reporter) -> Result<EngineName, Failure> {
    let session = Session::open(&args.stack, reporter)?;
    let lock = Lock::take(&session.project, "down")?;
    let goal = Goal::Down { volumes: args.volumes };
    let prepared = session.existing(reporter).await?;
    // A killed `up` may have left things on the other engine before it could record its choice.
    if args.stack.engine == EngineArg::Auto && Record::read(&session.project).is_none() {
        reporter.report(Event::Note { message: "no record of a running stack; looking for left-overs".into() });
    }
    running::take_down(&session, &prepared, &goal, reporter).await?;
    if lock.was_abandoned() {
        running::take_down_late_comers(&session, &prepared, &goal, reporter).await?;
    }
    Ok(prepared.engine.name())
}
