//! `devenv stop`, `restart`, `sleep` and `wake`: what is there is ended, started or frozen; nothing is made or removed.

use std::collections::BTreeSet;

use crate::cli::{Lifecycle, StackArgs};
use crate::commands::session::Session;
use crate::commands::{Failure, running};
use crate::engine::reconcile::Goal;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::stack::{Depth, Lock};
use crate::ui::Ui;

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Stop,
    Restart,
    Sleep,
    Wake,
}

impl Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Sleep => "sleep",
            Self::Wake => "wake",
        }
    }

    fn goal(self, only: BTreeSet<String>) -> Goal {
        match self {
            Self::Stop => Goal::Stop { only },
            Self::Restart => Goal::Restart { only },
            Self::Sleep => Goal::Sleep,
            Self::Wake => Goal::Wake,
        }
    }
}

pub(super) async fn run(args: Lifecycle, verb: Verb) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = act(&args.stack, &args.services, verb, ui.reporter()).await;
    ui.finish().await;
    result.map(|()| Exit::Success)
}

async fn act(stack: &StackArgs, services: &[String], verb: Verb, reporter: &Reporter) -> Result<(), Failure> {
    let session = Session::open(stack, reporter)?;
    let _lock = Lock::take(&session.project, verb.name())?;
    let engine = session.existing(reporter).await?;
    if engine.engine.observe(&session.project).await?.services.is_empty() {
        return Err(Failure::with_help(Exit::World, "nothing of this stack is there", "start it with `devenv up -d`"));
    }
    // A service that is made anew to be started again needs all that it is made from.
    let prepared = if verb == Verb::Restart { session.prepare(Depth::Existing, reporter).await? } else { engine };
    for name in services {
        running::service_under_test(&prepared, Some(name))?;
    }
    let only = services.iter().cloned().collect();
    running::take_down(&session, &prepared, &verb.goal(only), reporter).await
}
