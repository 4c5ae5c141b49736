//! The caller's own terminal, for commands that are typed into. Must not know what runs in it.

use std::io::IsTerminal as _;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Whether a person sits at both ends.
#[must_use]
pub fn is_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Every key goes to the program, Ctrl-C too, until this is dropped.
#[derive(Debug)]
pub(super) struct RawMode(Option<Termios>);

impl RawMode {
    /// Does nothing where there is no terminal.
    pub(super) fn enter() -> Self {
        let Ok(before) = tcgetattr(rustix::stdio::stdin()) else { return Self(None) };
        let mut raw = before.clone();
        raw.make_raw();
        let entered = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &raw);
        Self(entered.is_ok().then_some(before))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // A terminal that went away needs nothing restored.
            let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, before);
        }
    }
}

/// Height and width now, and whenever they change.
pub(super) fn sizes() -> mpsc::Receiver<(u16, u16)> {
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        let Ok(mut changes) = signal(SignalKind::window_change()) else { return };
        loop {
            let Ok(size) = tcgetwinsize(rustix::stdio::stdin()) else { return };
            if sender.send((size.ws_row, size.ws_col)).await.is_err() || changes.recv().await.is_none() {
                return;
            }
        }
    });
    receiver
}
