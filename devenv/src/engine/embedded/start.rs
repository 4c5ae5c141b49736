//! Starts the supervisor of a service and waits until it says how that went.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use super::create::{inherit, record};
use super::environment::inherited;
use super::observe;
use super::record::{Record, Stage, Status};
use super::stop::{self, Pace};
use super::{machine, process};
use crate::engine::{EngineError, ServiceState, holder};
use crate::event::Reporter;
use crate::plan::{PlannedService, Project, PublishedPort};

/// A supervisor says something within milliseconds; only a machine in trouble takes longer.
const FIRST_WORD: Duration = Duration::from_secs(15);

/// Starts a created or ended service; one that runs is left alone.
pub(crate) async fn start(
    executable: &Path,
    project: &Project,
    service: &PlannedService,
    reporter: &Reporter,
) -> Result<(), EngineError> {
    match observe::one(project, &service.name).await? {
        Some(ServiceState::Running | ServiceState::Restarting | ServiceState::Paused) => return Ok(()),
        Some(ServiceState::Orphaned) => stop::stop(project, &service.name, reporter).await?,
        Some(ServiceState::Created | ServiceState::Exited { .. }) | None => {}
    }
    let record = record(project, &service.name)?;
    settled(&record).await?;
    ports_free(service)?;
    record.clear_status().map_err(|cause| machine("write", record.directory(), cause))?;
    let mut supervisor = spawn(executable, project, service, &record)?;
    first_word(&record, &mut supervisor, service).await
}

/// A supervisor whose service ended a moment ago is let go first: it holds the lock.
async fn settled(record: &Record) -> Result<(), EngineError> {
    let status = record.status().map_err(|cause| machine("read", record.directory(), cause))?;
    let mut pace = Pace::within(FIRST_WORD);
    while status.as_ref().is_some_and(|status| process::alive(status.supervisor)) && pace.wait().await {}
    Ok(())
}

fn ports_free(service: &PlannedService) -> Result<(), EngineError> {
    service.ports.iter().filter(|port| port.host != 0).try_for_each(|port| match bind(port) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Err(EngineError::PortTaken {
            service: service.name.clone(),
            port: port.host,
            holder: holder::holder(port.host),
        }),
        // The service may have rights that we lack, or mean another address; it will say so itself.
        Err(error) => {
            tracing::debug!(service = service.name, port = port.host, %error, "the port cannot be tried");
            Ok(())
        }
    })
}

fn bind(port: &PublishedPort) -> std::io::Result<()> {
    let address = (port.host_ip.as_str(), port.host);
    if port.udp { UdpSocket::bind(address).map(drop) } else { TcpListener::bind(address).map(drop) }
}

/// The supervisor's own environment is what the service inherits; nothing of it is written down.
fn spawn(
    executable: &Path,
    project: &Project,
    service: &PlannedService,
    record: &Record,
) -> Result<Child, EngineError> {
    let complaints = record.complaints();
    let errors = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&complaints)
        .map_err(|cause| machine("write", &complaints, cause))?;
    Command::new(executable)
        .arg("supervise")
        .arg(record.directory())
        .env_clear()
        .envs(inherited(std::env::vars_os(), inherit(service)))
        .env(process::PROJECT, project.id())
        .env(process::SERVICE, &service.name)
        .env(process::SUPERVISOR, "1")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .map_err(|cause| machine("run", executable, cause))
}

async fn first_word(record: &Record, supervisor: &mut Child, service: &PlannedService) -> Result<(), EngineError> {
    let action = format!("start service `{}`", service.name);
    let mut pace = Pace::within(FIRST_WORD);
    loop {
        // Asked before the status is read: what it wrote before its end is seen.
        let over = supervisor.try_wait().ok().flatten().is_some();
        let status = record.status().map_err(|cause| machine("read", record.directory(), cause))?;
        match status.as_ref().and_then(outcome) {
            Some(Ok(())) => return Ok(()),
            Some(Err(cause)) => return Err(EngineError::Machine { action, cause }),
            None if over => return Err(EngineError::Machine { action, cause: complaint(record) }),
            None => {}
        }
        if !pace.wait().await {
            return Err(EngineError::Machine { action, cause: silence(record) });
        }
    }
}

fn outcome(status: &Status) -> Option<Result<(), String>> {
    match (&status.failure, status.state) {
        (Some(failure), Stage::Ended) if status.restarts == 0 => Some(Err(failure.clone())),
        (_, Stage::Starting) => None,
        (_, Stage::Running | Stage::BackingOff | Stage::Stopping | Stage::Ended) => Some(Ok(())),
    }
}

/// A supervisor can say nothing where nothing can be written.
fn silence(record: &Record) -> String {
    let probe = record.directory().join("probe");
    let written = std::fs::write(&probe, [0; 4096]);
    drop(std::fs::remove_file(&probe));
    match written {
        Ok(()) => "its supervisor says nothing".into(),
        Err(error) => format!("{} cannot be written: {error}", record.directory().display()),
    }
}

fn complaint(record: &Record) -> String {
    let text = std::fs::read_to_string(record.complaints()).unwrap_or_default();
    match text.trim() {
        "" => "its supervisor ended without a word".into(),
        text => text.to_owned(),
    }
}
