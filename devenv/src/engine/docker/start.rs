//! Starts containers, and says who is in the way when one cannot. Must not make any.

use bollard::query_parameters::StartContainerOptions;

use super::connection::{Connection, Failure};
use crate::engine::{EngineError, holder};
use crate::plan::{PlannedService, Role};

/// Starts the container of a service.
pub(super) async fn start(connection: &Connection, service: &PlannedService) -> Result<(), EngineError> {
    let name = &service.container.name;
    let started = connection.client.start_container(name, None::<StartContainerOptions>);
    match connection.ask(&format!("start container `{name}`"), started).await {
        Ok(()) => Ok(()),
        Err(failure) => match taken_port(service, &failure) {
            Some(port) => {
                let holder = port_holder(connection, port).await;
                Err(EngineError::PortTaken { service: whose(service).to_owned(), port, holder })
            }
            // The second one is Podman's.
            None if ["paused", "container state improper"].iter().any(|part| failure.text().contains(part)) => {
                unpause(connection, name).await
            }
            None if failure.is_conflict() => Ok(()),
            None => Err(failure.into()),
        },
    }
}

async fn unpause(connection: &Connection, name: &str) -> Result<(), EngineError> {
    let unpaused = connection.client.unpause_container(name);
    Ok(connection.ask(&format!("unpause container `{name}`"), unpaused).await?)
}

/// The service that the user knows: a relay publishes the ports of the service that it is for.
fn whose(service: &PlannedService) -> &str {
    match &service.role {
        Role::Relay { of } => of,
        Role::User | Role::BuiltIn => &service.name,
    }
}

/// The published port that a failure is about.
fn taken_port(service: &PlannedService, failure: &Failure) -> Option<u16> {
    let text = failure.text();
    let about_ports = ["address already in use", "port is already allocated", "ports are not available"];
    if !about_ports.iter().any(|part| text.contains(part)) {
        return None;
    }
    let named = |port: u16| {
        let needle = format!(":{port}");
        text.match_indices(&needle).any(|(at, found)| {
            !text.get(at + found.len()..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
    };
    let mut ports = service.ports.iter().map(|port| port.host).filter(|port| *port != 0);
    ports.clone().find(|port| named(*port)).or_else(|| ports.next())
}

/// A container if one publishes the port, else what this machine's own tables say.
async fn port_holder(connection: &Connection, port: u16) -> String {
    let containers = connection.running_containers().await.unwrap_or_default();
    let container = containers
        .iter()
        .find(|container| container.published().iter().any(|published| published.host == port))
        .and_then(|container| container.names.first());
    match container {
        Some(name) => format!("container `{}`", name.trim_start_matches('/')),
        None => holder::holder(port),
    }
}
