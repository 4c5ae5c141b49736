//! Output of containers as lines, over restarts and replacements. Must not know who reads them.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::query_parameters::LogsOptions;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt, future};
use tokio::sync::mpsc;

use super::connection::{Connection, Failure, ORDINARY};
use super::lines::Lines;
use super::list::Listed;
use crate::engine::{EngineError, LogLine, LogOptions};
use crate::plan::Project;

/// How often it is looked whether a service that had ended runs again.
const LOOK: Duration = Duration::from_millis(500);
/// How long a followed service may be silent: for ever, in effect.
const FOLLOW: Duration = Duration::from_secs(u32::MAX as u64);
/// Lines kept for a reader that is slower than the services.
const BUFFER: usize = 1024;

/// Output as the client gives it.
type Pieces<'a> = BoxStream<'a, Result<LogOutput, bollard::errors::Error>>;

/// Lines of services; see [`crate::engine::Engine::logs`]. With `follow` it ends when the reader goes away.
pub(super) fn logs(
    connection: &Connection,
    project: &Project,
    services: &[String],
    options: LogOptions,
) -> BoxStream<'static, Result<LogLine, EngineError>> {
    let (sender, receiver) = mpsc::channel(BUFFER);
    for service in services {
        let reader = Reader {
            connection: connection.clone(),
            project: project.clone(),
            service: service.clone(),
            options,
            sender: sender.clone(),
            last: jiff::Timestamp::MIN,
            of_that_time: (0, String::new()),
            first: true,
        };
        tokio::spawn(reader.run());
    }
    stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) }).boxed()
}

/// Reads one service.
struct Reader {
    connection: Connection,
    project: Project,
    service: String,
    options: LogOptions,
    sender: mpsc::Sender<Result<LogLine, EngineError>>,
    /// Time of the last entry that was read: what is not later was seen already.
    last: jiff::Timestamp,
    /// How many entries of that time were seen, and of which container: Podman stamps whole seconds.
    of_that_time: (usize, String),
    /// Nothing was looked at yet.
    first: bool,
}

/// The reader of the lines went away.
struct Gone;

impl Reader {
    async fn run(mut self) {
        let gone = self.sender.clone();
        let work = async {
            if let Err(error) = self.read().await {
                drop(self.sender.send(Err(error)).await);
            }
        };
        // A silent service would otherwise keep this task after its reader went away.
        future::select(Box::pin(work), Box::pin(gone.closed())).await;
    }

    async fn read(&mut self) -> Result<(), EngineError> {
        loop {
            let containers = self.connection.containers(&self.project, Some(&self.service)).await?;
            let container = containers.iter().find(|container| container.state == "running").or(containers.first());
            // One that has ended is read as well: it may have run between two looks.
            if let Some(container) = container
                && let Err(Gone) = self.read_container(container).await?
            {
                return Ok(());
            }
            if !self.options.follow {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Reads one container until its output ends.
    async fn read_container(&mut self, container: &Listed) -> Result<Result<(), Gone>, EngineError> {
        if self.of_that_time.1 != container.id {
            self.of_that_time = (0, container.id.clone());
        }
        let (seen, mut again) = (self.last, 0..self.of_that_time.0);
        let mut pieces = self.connection.client.logs(&container.id, Some(self.request())).boxed();
        self.first = false;
        let (mut output, mut error) = (Lines::default(), Lines::default());
        loop {
            let piece = match self.next(&mut pieces).await {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                // Removed meanwhile, or being removed at this moment.
                Err(failure) if failure.is_gone() || failure.is_conflict() => break,
                // Who follows goes on where it broke off; when the engine is gone for good, asking for its containers fails.
                Err(failure) if failure.is_broken() && self.options.follow => break,
                Err(failure) => return Err(failure.into()),
            };
            let (time, rest) = stamped(piece.as_ref());
            if time.is_some_and(|time| time < seen || (time == seen && again.next().is_some())) {
                continue;
            }
            self.note(time);
            let stderr = matches!(piece, LogOutput::StdErr { .. });
            let lines = if stderr { &mut error } else { &mut output };
            for text in lines.push(rest) {
                if let Err(gone) = self.pass(stderr, text).await {
                    return Ok(Err(gone));
                }
            }
        }
        for (stderr, rest) in [(false, output.finish()), (true, error.finish())] {
            if let Some(text) = rest
                && let Err(gone) = self.pass(stderr, text).await
            {
                return Ok(Err(gone));
            }
        }
        Ok(Ok(()))
    }

    fn note(&mut self, time: Option<jiff::Timestamp>) {
        let Some(time) = time else { return };
        let before = if time > self.last { 0 } else { self.of_that_time.0 };
        self.last = time.max(self.last);
        self.of_that_time.0 = before + 1;
    }

    /// From the last line that was seen, in the engine's whole seconds; before the first line: as many as are wanted.
    fn request(&self) -> LogsOptions {
        let fresh = self.last == jiff::Timestamp::MIN;
        // Looking again after a first look that saw nothing, everything is new, unless old lines are not wanted at all.
        let tail = self.options.tail.filter(|count| fresh && (self.first || *count == 0));
        LogsOptions {
            follow: self.options.follow,
            stdout: true,
            stderr: true,
            since: if fresh { 0 } else { i32::try_from(self.last.as_second()).unwrap_or(i32::MAX) },
            until: 0,
            timestamps: true,
            tail: tail.map_or_else(|| "all".to_owned(), |count| count.to_string()),
        }
    }

    /// The next piece; who follows may have to wait for it for as long as the service is silent.
    async fn next(&self, pieces: &mut Pieces<'_>) -> Result<Option<LogOutput>, Failure> {
        let action = format!("read the output of service `{}`", self.service);
        let limit = if self.options.follow { FOLLOW } else { ORDINARY };
        self.connection.bounded(&action, limit, pieces.try_next()).await
    }

    async fn pass(&self, stderr: bool, text: String) -> Result<(), Gone> {
        let line = LogLine { service: self.service.clone(), stderr, text };
        self.sender.send(Ok(line)).await.map_err(|_| Gone)
    }
}

/// The time before a piece, and the piece. The engine stamps each of its entries, also those that only continue a line.
fn stamped(piece: &[u8]) -> (Option<jiff::Timestamp>, &[u8]) {
    let Some(space) = piece.iter().position(|byte| *byte == b' ') else { return (None, piece) };
    let (time, rest) = piece.split_at(space);
    match std::str::from_utf8(time).ok().and_then(|time| time.parse().ok()) {
        Some(time) => (Some(time), rest.get(1..).unwrap_or_default()),
        None => (None, piece),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stamp_is_taken_off_and_text_without_one_is_left_alone() {
        let (time, rest) = stamped(b"2026-11-22T07:00:00.000000001Z hello there\n");
        assert_eq!((time.unwrap().subsec_nanosecond(), rest), (1, &b"hello there\n"[..]));
        assert_eq!(stamped(b"hello there\n"), (None, &b"hello there\n"[..]));
    }
}
