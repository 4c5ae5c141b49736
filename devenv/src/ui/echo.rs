//! Keeps the terminal from writing `^C` among live lines: the cursor would then be a line lower than the display believes,
//! and one line would stay behind. Only the echo of control characters goes; what a killed program leaves is no harm.

use std::sync::{Mutex, PoisonError};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// The terminal as it was found.
static FOUND: Mutex<Option<Termios>> = Mutex::new(None);

/// Begins, if this program is in the foreground: another one would be stopped for touching the terminal.
pub(super) fn hush() {
    let terminal = rustix::stdio::stderr();
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if found.is_some() || tcgetpgrp(terminal) != Ok(rustix::process::getpgrp()) {
        return;
    }
    if let Ok(usual) = tcgetattr(terminal) {
        let mut quiet = usual.clone();
        quiet.local_modes.remove(LocalModes::ECHOCTL);
        if tcsetattr(terminal, OptionalActions::Now, &quiet).is_ok() {
            *found = Some(usual);
        }
    }
}

/// Ends.
pub(super) fn restore() {
    let usual = FOUND.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(usual) = usual {
        let _ = tcsetattr(rustix::stdio::stderr(), OptionalActions::Now, &usual);
    }
}
