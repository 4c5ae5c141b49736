//! Ctrl-C and SIGTERM, counted from the start of the program: none is lost between two things that wait for one.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::exit::Exit;

/// So many interrupts end the program at once, whatever it is doing; fewer are for the commands to handle gracefully.
const IMPATIENCE: usize = 3;

/// The interrupts that one command has not answered yet.
#[derive(Clone, Debug)]
pub(super) struct Interrupts {
    count: watch::Receiver<usize>,
    answered: usize,
}

impl Interrupts {
    /// Begins to count; from now on an interrupt does not end the program by itself.
    pub(super) fn count() -> Self {
        let (sender, count) = watch::channel(0);
        tokio::spawn(async move {
            if let Err(error) = forward(&sender).await {
                tracing::warn!(%error, "signals cannot be handled");
                // Without a sender everybody would count as interrupted.
                sender.closed().await;
            }
        });
        Self { count, answered: 0 }
    }

    /// Waits for the next one that was not answered yet, and answers it. May be dropped and asked again.
    pub(super) async fn next(&mut self) {
        let answered = self.answered;
        if self.count.wait_for(|count| *count > answered).await.is_err() {
            std::future::pending::<()>().await;
        }
        self.answered += 1;
    }
}

async fn forward(sender: &watch::Sender<usize>) -> std::io::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    for _ in 0..IMPATIENCE {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        sender.send_modify(|count| *count += 1);
    }
    crate::ui::restore_terminal();
    std::process::exit(i32::from(Exit::Interrupted.code()))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn an_interrupt_that_came_while_nobody_waited_is_answered_once() {
        let (sender, count) = watch::channel(0);
        let mut interrupts = Interrupts { count, answered: 0 };
        assert!(interrupts.next().now_or_never().is_none());
        sender.send_modify(|count| *count += 1);
        interrupts.next().await;
        assert!(interrupts.next().now_or_never().is_none(), "it was answered");
    }
}
