//! The supervisor process: feeds the state machine with what happens and does what it says.
//!
//! One for each service, outliving the `devenv` that started it. Must not know plans, nor decide anything.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::log::{Lines, Output, Writer};
use super::process::{self, Table};
use super::record::{Record, Spec, Stage, Status};
use super::supervision::{Action, CANNOT_RUN, Event, Phase, Supervision};

/// How long the rest of the output of an ended process is waited for.
const DRAIN: Duration = Duration::from_millis(500);
/// How often what an ended process left behind is looked for: each look kills what it finds.
const SWEEPS: usize = 50;
const SIGKILL: i32 = 9;

/// Supervises the service whose record is in this directory until it is over or stopped; returns its exit code.
///
/// # Errors
/// When there is no complete record, another supervisor has it, or the record cannot be written.
pub fn supervise(directory: &Path) -> io::Result<i32> {
    let record = Record::at(directory);
    let lock = std::fs::File::create(record.lock())?;
    lock.try_lock().map_err(|_| io::Error::other("another supervisor has this service"))?;
    let spec = record.spec()?.ok_or_else(|| io::Error::other("there is no complete specification"))?;
    // A session of its own: closing the terminal or Ctrl-C in it must not reach the service behind our back. It fails
    // only for a group leader, which is out of the terminal's foreground already.
    let _ = rustix::process::setsid();
    process::adopt_orphans();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let code = runtime.block_on(async { Supervisor::new(record, spec)?.run().await });
    drop(lock);
    code
}

struct Supervisor {
    record: Record,
    spec: Spec,
    supervision: Supervision,
    status: Status,
    log: Arc<Mutex<Writer>>,
    readers: JoinSet<()>,
    child: Option<Child>,
    begun: Instant,
    signals: Signals,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    child: Signal,
}

/// What woke the supervisor up.
enum Wake {
    Event(Event),
    Ended(ExitStatus),
    Adopted,
}

impl Supervisor {
    fn new(record: Record, spec: Spec) -> io::Result<Self> {
        let own =
            process::own().ok_or_else(|| io::Error::other("processes are told apart by /proc, which is not here"))?;
        let status = Status {
            supervisor: own,
            child: None,
            state: Stage::Starting,
            code: None,
            restarts: 0,
            started_at: 0,
            failure: None,
            overstayed: false,
        };
        Ok(Self {
            supervision: Supervision::new(spec.restart, spec.grace),
            log: Arc::new(Mutex::new(Writer::open(&record.log())?)),
            record,
            spec,
            status,
            readers: JoinSet::new(),
            child: None,
            begun: Instant::now(),
            signals: Signals {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hang_up: signal(SignalKind::hangup())?,
                child: signal(SignalKind::child())?,
            },
        })
    }

    async fn run(mut self) -> io::Result<i32> {
        self.write_status()?;
        let mut actions = vec![Action::Spawn];
        while self.supervision.phase() != Phase::Ended {
            let event = match actions.pop() {
                Some(action) => self.act(action).await,
                None => self.next_event().await,
            };
            if let Some(event) = event {
                actions.extend(self.supervision.on_event(event, self.begun.elapsed()));
                // Somebody may have removed the directory: the mark still leads to us, and the service is not let down.
                if let Err(error) = self.write_status() {
                    tracing::debug!(%error, "the status cannot be written");
                }
            }
        }
        let code = self.supervision.code().unwrap_or(CANNOT_RUN);
        Ok(i32::try_from(code).unwrap_or(1))
    }

    async fn act(&mut self, action: Action) -> Option<Event> {
        let child = self.status.child.map(|child| child.pid);
        match (action, child) {
            (Action::Spawn, _) => return Some(self.spawn()),
            (Action::Signal, Some(pid)) => process::signal_group(pid, self.spec.stop_signal),
            (Action::Kill, Some(pid)) => process::signal_group(pid, SIGKILL),
            (Action::Signal | Action::Kill, None) | (Action::Finish, _) => {}
        }
        None
    }

    fn spawn(&mut self) -> Event {
        match command(&self.spec).spawn() {
            Ok(mut child) => {
                self.status.child = child.id().and_then(|pid| process::child_identity(pid.cast_signed()));
                self.status.started_at = Timestamp::now().as_second();
                self.status.failure = None;
                self.read(child.stdout.take(), Output::Out);
                self.read(child.stderr.take(), Output::Err);
                self.child = Some(child);
                Event::Spawned
            }
            Err(error) => {
                let program = self.spec.words.first().map_or("", String::as_str);
                let text = format!("cannot run `{program}` in {}: {error}", self.spec.directory.display());
                write(&self.log, &Lines::new(Output::Err).push(format!("{text}\n").as_bytes(), Timestamp::now()));
                self.status.failure = Some(text);
                Event::SpawnFailed
            }
        }
    }

    fn read(&mut self, pipe: Option<impl AsyncRead + Unpin + Send + 'static>, output: Output) {
        if let Some(pipe) = pipe {
            self.readers.spawn(copy(pipe, output, Arc::clone(&self.log)));
        }
    }

    async fn next_event(&mut self) -> Option<Event> {
        match self.wake().await {
            Wake::Event(event) => Some(event),
            Wake::Ended(status) => {
                self.clear_up().await;
                Some(Event::Exited(exit_code(status)))
            }
            Wake::Adopted => {
                process::reap_adopted(self.status.child.map(|child| child.pid));
                None
            }
        }
    }

    async fn wake(&mut self) -> Wake {
        // A time too far away to be told never comes.
        let deadline = self.supervision.deadline().and_then(|(at, event)| Some((self.begun.checked_add(at)?, event)));
        let timer = async {
            match deadline {
                Some((at, event)) => {
                    sleep_until(at).await;
                    event
                }
                None => std::future::pending().await,
            }
        };
        let ended = async {
            match &mut self.child {
                Some(child) => child.wait().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // The end of a process comes before everything that would be done to it.
            biased;
            status = ended => Wake::Ended(status.unwrap_or_else(|_| ExitStatus::from_raw(SIGKILL))),
            _ = self.signals.terminate.recv() => Wake::Event(Event::StopRequested),
            _ = self.signals.interrupt.recv() => Wake::Event(Event::StopRequested),
            _ = self.signals.hang_up.recv() => Wake::Adopted,
            _ = self.signals.child.recv() => Wake::Adopted,
            event = timer => Wake::Event(event),
        }
    }

    /// The end of the process is the end of all that it started, as in a container; then the last output is kept.
    async fn clear_up(&mut self) {
        if let Some(ended) = self.status.child.take() {
            // Its id is not given away while anybody is left in its group.
            process::signal_group(ended.pid, SIGKILL);
        }
        self.child = None;
        let mut left = BTreeSet::new();
        for _ in 0..SWEEPS {
            // Kept, because an ending process loses its mark before it closes its ports.
            left.retain(|identity| process::alive(*identity));
            left.extend(left_behind(&self.spec));
            if left.is_empty() {
                break;
            }
            left.iter().for_each(|identity| process::signal(*identity, SIGKILL));
            sleep(Duration::from_millis(2)).await;
            process::reap_adopted(None);
        }
        let readers = &mut self.readers;
        if timeout(DRAIN, async { while readers.join_next().await.is_some() {} }).await.is_err() {
            readers.abort_all();
        }
    }

    fn write_status(&mut self) -> io::Result<()> {
        self.status.state = match self.supervision.phase() {
            Phase::Starting { .. } => Stage::Starting,
            Phase::Running { .. } => Stage::Running,
            Phase::BackingOff { .. } => Stage::BackingOff,
            Phase::Stopping { .. } | Phase::Killing => Stage::Stopping,
            Phase::Ended => Stage::Ended,
        };
        self.status.code = self.supervision.code();
        self.status.restarts = self.supervision.restarts();
        self.status.overstayed = self.supervision.overstayed();
        self.record.set_status(&self.status)
    }
}

fn command(spec: &Spec) -> Command {
    let (program, arguments) = spec.words.split_first().map_or(("", &[] as &[String]), |(first, rest)| (first, rest));
    let mut command = Command::new(super::environment::program(program, &spec.directory));
    command
        .args(arguments)
        .env_remove(process::SUPERVISOR)
        .envs(&spec.environment)
        .env(process::PROJECT, &spec.project)
        .env(process::SERVICE, &spec.service)
        .current_dir(&spec.directory)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Descendants, and processes that carry the mark wherever they are.
fn left_behind(spec: &Spec) -> Vec<super::record::Identity> {
    let table = Table::read();
    let marked = table.marked(&spec.project).remove(&spec.service).unwrap_or_default();
    table.belonging_to(process::own_pid()).into_iter().chain(marked.processes).collect()
}

async fn copy(mut pipe: impl AsyncRead + Unpin, output: Output, log: Arc<Mutex<Writer>>) {
    let mut lines = Lines::new(output);
    let mut piece = vec![0; 8 * 1024];
    while let Ok(length @ 1..) = pipe.read(&mut piece).await {
        write(&log, &lines.push(piece.get(..length).unwrap_or_default(), Timestamp::now()));
    }
    write(&log, &lines.finish(Timestamp::now()));
}

/// A full disk costs lines, never the service: its output must be read on.
fn write(log: &Mutex<Writer>, text: &str) {
    if let Ok(mut log) = log.lock()
        && let Err(error) = log.append(text)
    {
        tracing::debug!(%error, "output of the service is lost");
    }
}

/// Exit code as shells say it: for a signal 128 + its number.
pub(crate) fn exit_code(status: ExitStatus) -> i64 {
    let code = status.code().or_else(|| status.signal().map(|signal| signal.saturating_add(128)));
    code.map_or(CANNOT_RUN, i64::from)
}
