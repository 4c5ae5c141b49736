//! `devenv down`: stops and removes everything of the stack, on whichever engine it is.

use crate::cli::{Down, EngineArg};
use crate::commands::session::Session;
use crate::commands::{Failure, running};
use crate::engine::reconcile::Goal;
use crate::event::Event;
use crate::exit::Exit;
use crate::stack::{Lock, Record};
use crate::ui::Ui;

pub(super) async fn run(args: Down) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = down(&args, &ui).await;
    ui.finish().await;
    result
}

async fn down(args: &Down, ui: &Ui) -> Result<Exit, Failure> {
    let reporter = ui.reporter();
    let session = Session::open(&args.stack, reporter)?;
    let _lock = Lock::take(&session.project, "down")?;
    let goal = Goal::Down { volumes: args.volumes };
    let prepared = session.existing(reporter).await?;
    // A killed `up` may have left things on the other engine before it could record its choice.
    if args.stack.engine == EngineArg::Auto && Record::read(&session.project).is_none() {
        reporter.report(Event::Note { message: "no record of a running stack; looking for left-overs".into() });
    }
    running::take_down(&session, &prepared, &goal, reporter).await?;
    Ok(Exit::Success)
}
