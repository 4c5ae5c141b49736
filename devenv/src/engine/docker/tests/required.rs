//! Whether tests that need an engine go on without one. Must not know this crate: the suites beside it use this file as well.

use std::fmt::Display;
use std::io::Write as _;

/// The engine that answered. Without one, tests that need it say so loudly; with `DEVENV_REQUIRE_DOCKER=1` they fail.
pub(crate) fn if_it_answers<T, E: Display>(connected: Result<T, E>) -> Option<T> {
    match connected {
        Ok(engine) => Some(engine),
        Err(error) if std::env::var_os("DEVENV_REQUIRE_DOCKER").is_some_and(|value| value == "1") => panic!("{error}"),
        Err(error) => {
            // Written past the capture of test output: it is to be seen also when all is well.
            writeln!(std::io::stderr(), "SKIPPED: {error}").expect("standard error");
            None
        }
    }
}
