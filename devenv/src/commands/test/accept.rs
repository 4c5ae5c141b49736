//! `devenv test --accept`: the access matrix of the run becomes the recorded one.

use security_tests::Run;
use security_tests::lock::AccessLock;

use crate::commands::Failure;
use crate::commands::rules::lock_path;
use crate::commands::session::Session;
use crate::event::{Event, Reporter};
use crate::exit::Exit;

/// Writes what the run knows over what is recorded; cells that it does not know of stay.
pub(super) fn accept(session: &Session, run: &Run, reporter: &Reporter) -> Result<(), Failure> {
    let Some(rules) = &session.manifest.tests else { return Ok(()) };
    let path = lock_path(session, rules);
    let before = match std::fs::read_to_string(&path) {
        // What cannot be read was reported when the run began.
        Ok(text) => AccessLock::parse(&text).unwrap_or_default(),
        Err(_) => AccessLock::default(),
    };
    let after = before.accept(run);
    let shown = path.strip_prefix(&session.project.directory).unwrap_or(&path).display();
    if after == before {
        reporter.report(Event::Note { message: format!("{shown} says so already: {} cells", after.len()) });
        return Ok(());
    }
    // Beside the file and then over it: a full disk or a signal leaves the old one.
    let new = path.with_extension("lock.new");
    std::fs::write(&new, after.to_string())
        .and_then(|()| std::fs::rename(&new, &path))
        .map_err(|error| Failure::new(Exit::World, format!("cannot write {}: {error}", path.display())))?;
    let changed = before.compare(run).lines().len();
    reporter.report(Event::Note {
        message: format!(
            "{shown}: {} cells, {changed} lines changed; commit it and review its difference",
            after.len()
        ),
    });
    Ok(())
}
