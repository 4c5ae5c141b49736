//! What runs, from records and marks. Deciding what a finding means is pure; only the two entry points look.

use std::collections::{BTreeMap, BTreeSet};

use super::create::record;
use super::machine;
use super::process::{self, Marked, Table};
use super::record::{Identity, Record, Spec, Stage, Status, names};
use crate::engine::{EngineError, Observed, ObservedService, ServiceState};
use crate::plan::{Fingerprint, Project};

/// What shells say of a process that SIGKILL ended; nobody was there to see how it ended.
const UNSEEN_END: i64 = 137;

/// All services of a project: those with a record and those of which only processes are left.
pub(crate) async fn all(project: &Project) -> Result<Observed, EngineError> {
    let project = project.clone();
    blocking(move || {
        let names = names(&project.state).map_err(|cause| machine("read", &project.state, cause))?;
        let table = Table::read();
        let mut marked = table.marked(&project.id());
        let mut services = BTreeMap::new();
        for name in names {
            let found = Found::read(&record(&project, &name)?)?;
            let marked = marked.remove(&name).unwrap_or_default();
            let mut left = found.left(&marked, &table);
            // The table is older than the record: what ended in between is not left.
            left.retain(|identity| process::alive(*identity));
            services.insert(name, found.judge(&left));
        }
        for (name, marked) in marked {
            services.insert(name, Found::default().judge(&all_of(&marked)));
        }
        Ok(Observed { services, ..Observed::default() })
    })
    .await
}

/// One service by its record; `None` when there is none. Processes without a record are seen by [`all`] only: this is
/// asked often, also for services that are no processes, and looks through all processes only when a supervisor is gone.
pub(crate) async fn one(project: &Project, service: &str) -> Result<Option<ServiceState>, EngineError> {
    let found = Found::read(&record(project, service)?)?;
    if !found.exists {
        return Ok(None);
    }
    let left = if found.supervised { BTreeSet::new() } else { leftovers(project, service).await? };
    Ok(Some(found.judge(&left).state))
}

/// Every process of a service, its supervisor included.
pub(crate) async fn leftovers(project: &Project, service: &str) -> Result<BTreeSet<Identity>, EngineError> {
    let (project, service) = (project.clone(), service.to_owned());
    blocking(move || {
        let found = Found::read(&record(&project, &service)?)?;
        let table = Table::read();
        let marked = table.marked(&project.id()).remove(&service).unwrap_or_default();
        Ok(found.left(&marked, &table))
    })
    .await
}

/// Whether a service's process is frozen.
pub(crate) async fn is_frozen(project: &Project, service: &str) -> Result<bool, EngineError> {
    Ok(one(project, service).await? == Some(ServiceState::Paused))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    tokio::task::spawn_blocking(work).await.map_err(|cause| EngineError::Machine {
        action: "look at the processes of this machine".into(),
        cause: cause.to_string(),
    })?
}

fn all_of(marked: &Marked) -> BTreeSet<Identity> {
    marked.supervisors.iter().chain(&marked.processes).copied().collect()
}

/// What a record says.
#[derive(Debug, Default)]
struct Found {
    exists: bool,
    spec: Option<Spec>,
    status: Option<Status>,
    /// The supervisor lived when it had said this.
    supervised: bool,
}

impl Found {
    fn read(record: &Record) -> Result<Self, EngineError> {
        let error = |cause| machine("read", record.directory(), cause);
        let status = || record.status().map_err(error);
        let (status, supervised) = last_words(status, process::alive)?;
        Ok(Self { exists: record.exists(), spec: record.spec().map_err(error)?, status, supervised })
    }

    /// Processes of the service: marked ones, the recorded supervisor and child, the child's descendants and group. A group outlives its leader, and as long as it does the leader's id is not given away again.
    fn left(&self, marked: &Marked, table: &Table) -> BTreeSet<Identity> {
        let mut left = all_of(marked);
        if let Some(status) = &self.status {
            if let Some(child) = status.child {
                let same = process::alive(child);
                left.extend(same.then_some(child));
                if same || process::look(child.pid).is_none() {
                    left.extend(table.belonging_to(child.pid));
                }
            }
            left.extend(process::alive(status.supervisor).then_some(status.supervisor));
        }
        left
    }

    /// The meaning of it all; `left` as [`Found::left`] says.
    fn judge(&self, left: &BTreeSet<Identity>) -> ObservedService {
        let status = self.status.as_ref();
        let child = status.and_then(|status| status.child);
        let id = child.or(left.first().copied()).map(|identity| identity.pid.to_string());
        ObservedService {
            id: id.unwrap_or_default(),
            fingerprint: self.spec.as_ref().map_or_else(Fingerprint::default, |spec| spec.fingerprint.clone()),
            state: self.state(!left.is_empty()),
            ports: self.spec.as_ref().map(|spec| spec.ports.clone()).unwrap_or_default(),
            on_host: true,
            started_at: status.map_or(0, |status| status.started_at),
            detached: false,
            circumstances: crate::engine::observed::Circumstances::default(),
        }
    }

    fn state(&self, left: bool) -> ServiceState {
        match &self.status {
            Some(status) if self.supervised && self.spec.is_some() => match status.state {
                Stage::Running if status.child.is_some_and(process::is_frozen) => ServiceState::Paused,
                Stage::Starting | Stage::Running | Stage::Stopping => ServiceState::Running,
                Stage::BackingOff => ServiceState::Restarting,
                Stage::Ended => ended(status),
            },
            _ if left || self.spec.is_none() => ServiceState::Orphaned,
            None => ServiceState::Created,
            Some(status) => ended(status),
        }
    }
}

/// The latest status, and whether its supervisor lives. Who is found dead may have written how it all ended after it was
/// read and before it was looked for, so it is read again until a dead supervisor has nothing new to say.
fn last_words<E>(
    mut read: impl FnMut() -> Result<Option<Status>, E>,
    alive: impl Fn(Identity) -> bool,
) -> Result<(Option<Status>, bool), E> {
    let mut status = read()?;
    loop {
        let Some(found) = &status else { return Ok((None, false)) };
        if alive(found.supervisor) {
            return Ok((status, true));
        }
        let again = read()?;
        if again == status {
            return Ok((status, false));
        }
        status = again;
    }
}

fn ended(status: &Status) -> ServiceState {
    let code = status.code.filter(|_| status.state == Stage::Ended);
    ServiceState::Exited { code: code.unwrap_or(UNSEEN_END) }
}

#[cfg(test)]
#[path = "observe_tests.rs"]
mod tests;
