//! Ends services and removes what is left of them.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::create::record;
use super::observe::leftovers;
use super::record::{Identity, Record, Spec};
use super::{machine, process};
use crate::engine::EngineError;
use crate::event::{Event, Reporter};
use crate::plan::Project;

const SIGTERM: i32 = 15;
const SIGKILL: i32 = 9;
/// What processes get whose record is lost.
const USUAL_GRACE: Duration = Duration::from_secs(3);
/// How long a supervisor may take beyond the grace of its service, and the kernel for a kill.
const MARGIN: Duration = Duration::from_secs(2);

/// Asks the supervisor to end its service and waits for it; whatever is still there then is ended here.
pub(crate) async fn stop(project: &Project, service: &str, reporter: &Reporter) -> Result<(), EngineError> {
    let record = record(project, service)?;
    let spec = record.spec().map_err(|cause| machine("read", record.directory(), cause))?;
    let grace = spec.as_ref().map_or(USUAL_GRACE, |spec| spec.grace);
    // A frozen process can neither hear its stop signal nor write down what it holds.
    super::pause::resume(project, service).await?;
    ask_supervisor(&record, grace).await?;
    let overstayed = record.status().ok().flatten().is_some_and(|status| status.overstayed);
    let killed = end_leftovers(project, service, spec.as_ref()).await?;
    if overstayed || killed {
        reporter.report(Event::Warning {
            message: format!("service `{service}` did not end within {} s and was killed", grace.as_secs_f32()),
        });
    }
    Ok(())
}

/// Ends it at once, its supervisor included; a supervisor that was quicker and started it again does not save it.
pub(crate) async fn kill(project: &Project, service: &str) -> Result<(), EngineError> {
    let mut left = Left { project, service, seen: leftovers(project, service).await? };
    if left.gone_within(MARGIN, Some(SIGKILL)).await? { Ok(()) } else { Err(left.undying()) }
}

/// Stops it and removes its record, log and files.
pub(crate) async fn remove(project: &Project, service: &str, reporter: &Reporter) -> Result<(), EngineError> {
    stop(project, service, reporter).await?;
    let record = record(project, service)?;
    record.remove().map_err(|cause| machine("remove", record.directory(), cause))
}

async fn ask_supervisor(record: &Record, grace: Duration) -> Result<(), EngineError> {
    let status = record.status().map_err(|cause| machine("read", record.directory(), cause))?;
    let Some(status) = status.filter(|status| process::alive(status.supervisor)) else { return Ok(()) };
    process::signal(status.supervisor, SIGTERM);
    let mut pace = Pace::within(grace.saturating_add(MARGIN));
    while process::alive(status.supervisor) {
        if !pace.wait().await {
            tracing::warn!(pid = status.supervisor.pid, "a supervisor did not end and is killed");
            process::signal(status.supervisor, SIGKILL);
            break;
        }
    }
    Ok(())
}

/// Ends what no supervisor answers for: gracefully, then by force; says whether force was needed.
async fn end_leftovers(project: &Project, service: &str, spec: Option<&Spec>) -> Result<bool, EngineError> {
    let mut left = Left { project, service, seen: leftovers(project, service).await? };
    if left.seen.is_empty() {
        return Ok(false);
    }
    send(&left.seen, spec.map_or(SIGTERM, |spec| spec.stop_signal));
    if left.gone_within(spec.map_or(USUAL_GRACE, |spec| spec.grace), None).await? {
        return Ok(false);
    }
    if left.gone_within(MARGIN, Some(SIGKILL)).await? {
        return Ok(true);
    }
    Err(left.undying())
}

/// Processes of a service that shall end.
struct Left<'a> {
    project: &'a Project,
    service: &'a str,
    /// Still there at the last look. Kept, because an ending process loses its mark before it closes its ports.
    seen: BTreeSet<Identity>,
}

impl Left<'_> {
    fn undying(&self) -> EngineError {
        let pids: Vec<String> = self.seen.iter().map(|identity| identity.pid.to_string()).collect();
        EngineError::Machine {
            action: format!("end the processes of service `{}`", self.service),
            cause: format!("{} do not end even when killed", pids.join(", ")),
        }
    }

    /// Whether nothing is left within a time, sending a signal to all that is still there at each look.
    async fn gone_within(&mut self, within: Duration, signal: Option<i32>) -> Result<bool, EngineError> {
        let mut pace = Pace::within(within);
        loop {
            self.seen.retain(|identity| process::alive(*identity));
            self.seen.extend(leftovers(self.project, self.service).await?);
            if self.seen.is_empty() {
                return Ok(true);
            }
            if let Some(signal) = signal {
                send(&self.seen, signal);
            }
            if !pace.wait().await {
                return Ok(false);
            }
        }
    }
}

fn send(to: &BTreeSet<Identity>, signal: i32) {
    to.iter().for_each(|identity| process::signal(*identity, signal));
}

/// Waits that grow by a quarter: what is waited for is noticed late by a quarter of its time at most.
#[derive(Debug)]
pub(crate) struct Pace {
    end: Instant,
    next: Duration,
}

impl Pace {
    /// Begins now.
    pub(crate) fn within(time: Duration) -> Self {
        let now = Instant::now();
        let end = now.checked_add(time).unwrap_or_else(|| now + Duration::from_secs(24 * 60 * 60));
        Self { end, next: Duration::from_millis(1) }
    }

    /// Waits a little; false, at once, when the time is over.
    pub(crate) async fn wait(&mut self) -> bool {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        sleep(self.next.min(left)).await;
        self.next = (self.next * 5 / 4).min(Duration::from_millis(50));
        true
    }
}
