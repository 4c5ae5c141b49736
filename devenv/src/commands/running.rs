//! What commands do with a stack: bring it up, take it down, show it.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::commands::Failure;
use crate::commands::session::{Prepared, Session};
use crate::engine::execute::execute;
use crate::engine::reconcile::{Goal, reconcile};
use crate::engine::timings::{Timings, timings};
use crate::engine::{Action, Observed, ServiceState, Step};
use crate::event::{Event, Reporter};
use crate::exit::Exit;
use crate::manifest::EngineName;
use crate::plan::{Plan, PlannedService, PublishedPort, Role, host_data_of};
use crate::stack::{self, Keep, Record};
use crate::ui::Table;

/// Brings the stack (or some services of it) up, and says where the time went.
pub(super) async fn bring_up(
    session: &Session,
    prepared: &Prepared,
    only: BTreeSet<String>,
    reporter: &Reporter,
) -> Result<Timings, Failure> {
    let engine = prepared.engine.name();
    let known = Record::read(&session.project).filter(|record| record.engine() == Some(engine));
    let mut record = match known {
        // Written only when it says something new: an `up` that has nothing to do needs no room on the disk.
        Some(record) => record,
        None => {
            let record = Record::new(engine, &session.project.directory);
            write(&record, session)?;
            record
        }
    };
    for service in prepared.plan.services.values().filter(|service| service.on_host()) {
        std::fs::create_dir_all(host_data_of(&session.project, &service.name))?;
    }
    let mut before = prepared.engine.observe(&session.project).await?;
    before.unproven = unproven(&record, &before);
    let steps = reconcile(&prepared.plan, &before, &Goal::Up { only });
    ensure_room(session, &steps)?;
    let outcome = execute(prepared.engine.as_ref(), &prepared.plan, &steps, reporter).await;
    if !outcome.failures.is_empty() {
        return Err(Failure::of_steps(outcome.failures));
    }
    let timings = timings(&steps, &outcome.spans);
    if !steps.is_empty() {
        let after = prepared.engine.observe(&session.project).await?;
        let left = unproven(&record, &after);
        let taken: BTreeSet<Action> = steps.into_iter().map(|step| step.action).collect();
        let awaited = |name: &String| taken.contains(&Action::AwaitReady(name.clone()));
        let seen = after.services.into_iter().filter(|(name, _)| !left.contains(name) || awaited(name));
        record.ready = seen.map(|(name, service)| (name, service.id)).collect();
        write(&record, session)?;
    }
    Ok(timings)
}

fn write(record: &Record, session: &Session) -> Result<(), Failure> {
    record.write(&session.project).map_err(|error| unwritable(session, &error))
}

/// What runs is not stopped to be started anew when nothing could be written that a start needs.
fn ensure_room(session: &Session, steps: &[Step]) -> Result<(), Failure> {
    const ROOM: [u8; 16 * 1024] = [0; 16 * 1024];
    if !steps.iter().any(|step| matches!(step.action, Action::Create(_) | Action::Start(_))) {
        return Ok(());
    }
    let probe = session.project.state.join("room");
    let written = std::fs::create_dir_all(&session.project.state).and_then(|()| std::fs::write(&probe, ROOM));
    drop(std::fs::remove_file(&probe));
    written.map_err(|error| unwritable(session, &error))
}

fn unwritable(session: &Session, error: &std::io::Error) -> Failure {
    let text = format!("cannot write {}: {error}", session.project.state.display());
    Failure::with_help(
        Exit::World,
        text,
        "make room on that disk, or set XDG_STATE_HOME to a directory that you can write",
    )
}

/// Services that are not the ones that were seen ready: an interrupted run started them and did not wait.
fn unproven(record: &Record, observed: &Observed) -> BTreeSet<String> {
    let seen = |name: &str, id: &str| record.ready.get(name).is_some_and(|ready| ready == id);
    let unseen = observed.services.iter().filter(|(name, service)| !seen(name, &service.id));
    unseen.map(|(name, _)| name.clone()).collect()
}

/// Walks to another goal: stopped, or gone.
pub(super) async fn take_down(
    session: &Session,
    prepared: &Prepared,
    goal: &Goal,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let observed = prepared.engine.observe(&session.project).await?;
    let steps = reconcile(&prepared.plan, &observed, goal);
    ensure_room(session, &steps)?;
    let outcome = execute(prepared.engine.as_ref(), &prepared.plan, &steps, reporter).await;
    if !outcome.failures.is_empty() {
        return Err(Failure::of_steps(outcome.failures));
    }
    if let Goal::Down { volumes } = goal {
        forget(session, &observed, *volumes, reporter)?;
    }
    Ok(())
}

/// How long an engine may need to finish what was asked of it before somebody broke off, e.g. to make a container.
const LATE: Duration = Duration::from_millis(500);

/// Takes down what appeared after the stack was taken down; processes do not: they are made by this program itself.
pub(super) async fn take_down_late_comers(
    session: &Session,
    prepared: &Prepared,
    goal: &Goal,
    reporter: &Reporter,
) -> Result<(), Failure> {
    if prepared.engine.name() == EngineName::Docker {
        tokio::time::sleep(LATE).await;
        let late = prepared.engine.observe(&session.project).await?;
        let anything = match goal {
            Goal::Stop { .. } | Goal::Kill | Goal::Sleep | Goal::Wake => is_up(&late),
            Goal::Up { .. } | Goal::Restart { .. } | Goal::Down { .. } => {
                !late.services.is_empty() || !late.networks.is_empty()
            }
        };
        if anything {
            return take_down(session, prepared, goal, reporter).await;
        }
    }
    Ok(())
}

/// Removes the state of a stack that is gone. Secrets stay while a volume stays that may depend on them.
fn forget(session: &Session, observed: &Observed, volumes: bool, reporter: &Reporter) -> Result<(), Failure> {
    let state = &session.project.state;
    if observed.volumes.is_empty() || volumes {
        remove(state)?;
        stack::forget(&session.project, if volumes { Keep::Nothing } else { Keep::Ports });
        return Ok(());
    }
    let kept: Vec<&str> = observed.volumes.iter().map(String::as_str).collect();
    let message =
        format!("kept: volumes {} and the secrets they may need (`devenv down -v` removes them)", kept.join(", "));
    reporter.report(Event::Note { message });
    for name in ["services", "data", "digests.json", "state.json"] {
        remove(&state.join(name))?;
    }
    Ok(())
}

fn remove(path: &std::path::Path) -> Result<(), Failure> {
    let result = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The URLs of a stack as a table: what `up` prints when all is ready.
pub(super) fn urls(prepared: &Prepared) -> String {
    let mut table = Table::new(&["service", "url", "what"]);
    for service in prepared.plan.services.values().filter(|service| !matches!(service.role, Role::Relay { .. })) {
        let what = match (&service.role, service.on_host()) {
            (Role::BuiltIn, _) if service.name == crate::plan::IDP => "OpenID provider: the issuer",
            (Role::BuiltIn, _) => "IAM: directory (SCIM) and decisions (AuthZEN)",
            (_, true) => "process",
            (_, false) => "container",
        };
        table.row([service.name.clone(), url_of(service).unwrap_or_else(|| "-".into()), what.into()]);
    }
    table.render()
}

/// Timings as people read them: by service in the order in which they were ready, then the critical path.
pub(super) fn timings_text(timings: &Timings) -> String {
    let mut table = Table::new(&["service", "provide", "create", "start", "ready", "ready after"]);
    let mut services: Vec<_> = timings.services.iter().collect();
    services.sort_by_key(|(_, timing)| timing.after_ms);
    let ms = |value: u64| format!("{value} ms");
    for (name, timing) in services {
        let phases = [timing.provide_ms, timing.create_ms, timing.start_ms, timing.ready_ms, timing.after_ms];
        table.row(std::iter::once(name.clone()).chain(phases.map(ms)));
    }
    let path: Vec<String> = timings.critical_path.iter().map(|(step, took)| format!("{step} ({took} ms)")).collect();
    format!("{}\n\ncritical path, {} ms: {}", table.render(), timings.total_ms, path.join(" → "))
}

/// Whether anything runs; what was stopped is no stack that somebody works with.
pub(super) fn is_up(observed: &Observed) -> bool {
    observed.services.values().any(|service| matches!(service.state, ServiceState::Running | ServiceState::Restarting))
}

/// Where people reach a service.
pub(super) fn url_of(service: &PlannedService) -> Option<String> {
    service.ports.iter().find(|port| !port.udp && port.host != 0).map(|port| format!("http://localhost:{}", port.host))
}

/// A state in one or two words.
pub(super) fn state_text(state: &ServiceState) -> String {
    match state {
        ServiceState::Created => "created".into(),
        ServiceState::Running => "running".into(),
        ServiceState::Paused => "paused".into(),
        ServiceState::Restarting => "restarting".into(),
        ServiceState::Exited { code } => format!("exited ({code})"),
        ServiceState::Orphaned => "orphaned".into(),
    }
}

/// Ports as `127.0.0.1:8080->8080`.
pub(super) fn ports_text(ports: &[PublishedPort]) -> String {
    let shown: Vec<String> = ports
        .iter()
        .map(|port| {
            let protocol = if port.udp { "/udp" } else { "" };
            format!("{}:{}->{}{protocol}", port.host_ip, port.host, port.target)
        })
        .collect();
    shown.join(", ")
}

/// The service under test: the one named, or `api`, or the only one of the team with a port.
pub(super) fn service_under_test<'a>(
    prepared: &'a Prepared,
    named: Option<&str>,
) -> Result<&'a PlannedService, Failure> {
    under_test(&prepared.plan, named)
}

/// The same in a plan alone.
pub(super) fn under_test<'a>(plan: &'a Plan, named: Option<&str>) -> Result<&'a PlannedService, Failure> {
    let services = &plan.services;
    let exit = crate::exit::Exit::Usage;
    if let Some(name) = named {
        let known: Vec<&str> = services.keys().map(String::as_str).collect();
        return services.get(name).ok_or_else(|| {
            Failure::with_help(exit, format!("no service `{name}`"), format!("there are {}", known.join(", ")))
        });
    }
    if let Some(api) = services.get("api") {
        return Ok(api);
    }
    let candidates: Vec<&PlannedService> =
        services.values().filter(|service| service.role == Role::User && !service.ports.is_empty()).collect();
    match candidates.as_slice() {
        [only] => Ok(only),
        [] => Err(Failure::new(exit, "no service of the manifest has a port")),
        many => {
            let names: Vec<&str> = many.iter().map(|service| service.name.as_str()).collect();
            let text = format!("several services could be meant: {}", names.join(", "));
            Err(Failure::with_help(exit, text, "name one: `--service NAME`, or call the one under test `api`"))
        }
    }
}
