//! Stops and removes containers. Must not know why.

use std::time::{Duration, Instant};

use bollard::query_parameters::{RemoveContainerOptions, StopContainerOptions};
use futures_util::future;

use super::connection::{BULKY, Connection, ORDINARY};
use super::list::Listed;
use super::spec;
use crate::engine::{EngineError, ServiceState};
use crate::event::{Event, Reporter};
use crate::plan::Plan;

/// Ends all containers of a service: its stop signal, its grace, then by force. That force was needed is reported.
pub(super) async fn stop(
    connection: &Connection,
    plan: &Plan,
    service: &str,
    reporter: &Reporter,
) -> Result<(), EngineError> {
    // A frozen process can neither hear its stop signal nor write down what it holds.
    thaw(connection, plan, service).await?;
    let live = live(connection, plan, service).await?;
    let grace = plan.services.get(service).map(spec::seconds);
    let begun = Instant::now();
    future::try_join_all(live.iter().map(|container| stop_one(connection, &container.id, grace))).await?;
    let Some(planned) = plan.services.get(service) else { return Ok(()) };
    if begun.elapsed() >= planned.stop.grace
        && !planned.stop.grace.is_zero()
        && was_killed(connection, plan, service).await?
    {
        reporter.report(Event::Warning {
            message: format!(
                "service `{service}` ignored {} and was killed after {} s",
                planned.stop.signal,
                planned.stop.grace.as_secs_f32()
            ),
        });
    }
    Ok(())
}

/// Ends all containers of a service at once. A stop without grace rather than a kill: the engine then knows that it was
/// meant, and its restart policy does not start the container again.
pub(super) async fn kill(connection: &Connection, plan: &Plan, service: &str) -> Result<(), EngineError> {
    let live = live(connection, plan, service).await?;
    future::try_join_all(live.iter().map(|container| stop_one(connection, &container.id, Some(0)))).await?;
    Ok(())
}

async fn live(connection: &Connection, plan: &Plan, service: &str) -> Result<Vec<Listed>, EngineError> {
    let mut containers = connection.containers(&plan.project, Some(service)).await?;
    containers.retain(|container| {
        matches!(container.service_state(), ServiceState::Running | ServiceState::Paused | ServiceState::Restarting)
    });
    Ok(containers)
}

/// Removes all containers of a service, running or not, with their anonymous volumes.
pub(super) async fn remove(connection: &Connection, plan: &Plan, service: &str) -> Result<(), EngineError> {
    let containers = connection.containers(&plan.project, Some(service)).await?;
    future::try_join_all(containers.iter().map(|container| by_name(connection, &container.id))).await?;
    Ok(())
}

/// Removes one container by name or id.
pub(super) async fn by_name(connection: &Connection, name: &str) -> Result<(), EngineError> {
    let options = RemoveContainerOptions { v: true, force: true, link: false };
    let removed = connection.client.remove_container(name, Some(options));
    match connection.bounded(&format!("remove container `{name}`"), BULKY, removed).await {
        Ok(()) => Ok(()),
        // Somebody else removes it at this moment.
        Err(failure) if failure.is_conflict() => Ok(()),
        Err(failure) => failure.unless_gone(),
    }
}

async fn stop_one(connection: &Connection, id: &str, grace: Option<i64>) -> Result<(), EngineError> {
    // Without a plan the engine takes the grace that the container was made with. The signal is always that one.
    let t = grace.map(|seconds| i32::try_from(seconds).unwrap_or(i32::MAX));
    let limit = ORDINARY + Duration::from_secs(u64::try_from(grace.unwrap_or(60)).unwrap_or_default());
    let stopped = connection.client.stop_container(id, Some(StopContainerOptions { signal: None, t }));
    match connection.bounded("stop container", limit, stopped).await {
        Err(failure) if !failure.is_conflict() => failure.unless_gone(),
        _ => Ok(()),
    }
}

/// Freezes all running containers of a service.
pub(super) async fn freeze(connection: &Connection, plan: &Plan, service: &str) -> Result<(), EngineError> {
    for container in live(connection, plan, service).await? {
        if container.service_state() == ServiceState::Running {
            let frozen = connection.client.pause_container(&container.id);
            connection.ask(&format!("pause service `{service}`"), frozen).await?;
        }
    }
    Ok(())
}

/// Lets all frozen containers of a service go on.
pub(super) async fn thaw(connection: &Connection, plan: &Plan, service: &str) -> Result<(), EngineError> {
    for container in live(connection, plan, service).await? {
        if container.service_state() == ServiceState::Paused {
            let thawed = connection.client.unpause_container(&container.id);
            connection.ask(&format!("resume service `{service}`"), thawed).await?;
        }
    }
    Ok(())
}

/// Whether a service ended by SIGKILL.
async fn was_killed(connection: &Connection, plan: &Plan, service: &str) -> Result<bool, EngineError> {
    let containers = connection.containers(&plan.project, Some(service)).await?;
    Ok(containers.iter().any(|container| container.service_state() == ServiceState::Exited { code: 137 }))
}
