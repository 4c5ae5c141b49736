//! `devenv exec`: a command where a service runs, with the caller's input and output.

use crate::cli::Exec;
use crate::commands::session::Session;
use crate::commands::{Failure, running};
use crate::engine::{Interaction, ServiceState, terminal};
use crate::event::Reporter;
use crate::exit::Exit;

pub(super) async fn run(args: Exec) -> Result<Exit, Failure> {
    let (reporter, _events) = Reporter::channel();
    let session = Session::open(&args.stack, &reporter)?;
    let prepared = session.existing(&reporter).await?;
    let service = running::service_under_test(&prepared, Some(&args.service))?;
    match prepared.engine.state(&session.project, &service.name).await? {
        Some(ServiceState::Running) => {}
        Some(other) => {
            let text = format!("service `{}` does not run: {}", service.name, running::state_text(&other));
            return Err(Failure::with_help(
                Exit::World,
                text,
                "start it with `devenv up -d`, or wake it with `devenv wake`",
            ));
        }
        None => {
            let text = format!("service `{}` is not there", service.name);
            return Err(Failure::with_help(Exit::World, text, "start it with `devenv up -d`"));
        }
    }
    let command = Interaction {
        words: args.command,
        terminal: !args.no_tty && terminal::is_terminal(),
        user: args.user,
        directory: args.workdir,
    };
    let code = prepared.engine.interact(&session.project, service, &command).await?;
    Ok(Exit::Command(u8::try_from(code).unwrap_or(u8::MAX)))
}
