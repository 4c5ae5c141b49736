//! Output of services as a stream.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::time::sleep;

use super::create::record;
use super::log::{Follower, Line, Output, tail};
use super::machine;
use crate::engine::{EngineError, LogLine, LogOptions};
use crate::plan::Project;

/// How often a log is looked at for new lines.
const POLL: Duration = Duration::from_millis(50);

type Lines = BoxStream<'static, Result<LogLine, EngineError>>;

/// Lines of some services: all of the first, then all of the next; with `follow` as they come.
pub(crate) fn logs(project: &Project, services: &[String], options: LogOptions) -> Result<Lines, EngineError> {
    let mut streams = Vec::new();
    for service in services {
        let path = record(project, service)?.log();
        streams.push(if options.follow {
            follow(service.clone(), path, options.tail)
        } else {
            present(service.clone(), path, options.tail)
        });
    }
    Ok(if options.follow { stream::select_all(streams).boxed() } else { stream::iter(streams).flatten().boxed() })
}

fn present(service: String, path: PathBuf, most: Option<usize>) -> Lines {
    stream::once(async move {
        match tail(&path, most) {
            Ok(lines) => lines.into_iter().map(|line| Ok(to_line(&service, line))).collect(),
            Err(cause) => vec![Err(machine("read", &path, cause))],
        }
    })
    .flat_map(stream::iter)
    .boxed()
}

struct Following {
    service: String,
    path: PathBuf,
    follower: Follower,
    waiting: VecDeque<Line>,
    /// Of the lines that are there at the first look.
    most: Option<usize>,
    begun: bool,
}

fn follow(service: String, path: PathBuf, most: Option<usize>) -> Lines {
    let follower = Follower::new(path.clone());
    let following = Following { service, path, follower, waiting: VecDeque::new(), most, begun: false };
    stream::unfold(Some(following), |following| async {
        let mut following = following?;
        match following.next().await {
            Ok(line) => Some((Ok(line), Some(following))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

impl Following {
    async fn next(&mut self) -> Result<LogLine, EngineError> {
        loop {
            if let Some(line) = self.waiting.pop_front() {
                return Ok(to_line(&self.service, line));
            }
            if self.begun {
                sleep(POLL).await;
            }
            self.waiting = self.follower.catch_up().map_err(|cause| machine("read", &self.path, cause))?;
            if let (false, Some(most)) = (self.begun, self.most) {
                self.waiting.drain(..self.waiting.len().saturating_sub(most));
            }
            self.begun = true;
        }
    }
}

fn to_line(service: &str, (output, text): Line) -> LogLine {
    LogLine { service: service.to_owned(), stderr: output == Output::Err, text }
}
