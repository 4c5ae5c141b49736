//! What exists of a project: three lists, asked for at once, and their translation. Must not change anything.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use bollard::models::{RestartPolicy, RestartPolicyNameEnum};
use bollard::query_parameters::{InspectContainerOptions, ListNetworksOptions, ListVolumesOptions};
use futures_util::future;
use jiff::Timestamp;

use super::connection::Connection;
use super::list::Listed;
use super::{address, labels};
use crate::engine::observed::Circumstances;
use crate::engine::{EngineError, Observed, ObservedService, ServiceState};
use crate::manifest::Restart;
use crate::plan::Project;

/// Everything of a project that exists.
pub(super) async fn observe(connection: &Connection, project: &Project) -> Result<Observed, EngineError> {
    let (mut containers, networks, volumes) = tokio::try_join!(
        connection.containers(project, None),
        network_names(connection, project),
        volume_names(connection, project),
    )?;
    let running = |container: &Listed| container.service_state() == ServiceState::Running;
    let inspected = containers.iter_mut().filter(|container| running(container)).map(|container| async {
        let mut seen = inspect(connection, &container.id).await;
        container.learn_network_mode(seen.as_mut().and_then(|seen| seen.network_mode.take()));
        seen
    });
    let seen = future::join_all(inspected).await;
    let mut started: HashMap<String, Timestamp> = HashMap::new();
    let mut restarts: HashMap<String, Restart> = HashMap::new();
    for seen in seen.into_iter().flatten() {
        started.extend(seen.started.map(|time| (seen.id.clone(), time)));
        restarts.extend(seen.restart.map(|restart| (seen.id, restart)));
    }
    let mut services = services(&containers, &started);
    for service in services.values_mut() {
        service.circumstances.restart = restarts.get(&service.id).copied();
    }
    Ok(Observed { services, networks, volumes, ..Observed::default() })
}

/// Every project of which a container, network or volume is here, with its directory.
pub(super) async fn projects(connection: &Connection) -> Result<BTreeMap<String, PathBuf>, EngineError> {
    let any = || Some(HashMap::from([("label".to_owned(), vec![labels::PROJECT.to_owned()])]));
    let networks = connection.client.list_networks(Some(ListNetworksOptions { filters: any() }));
    let volumes = connection.client.list_volumes(Some(ListVolumesOptions { filters: any() }));
    let containers = connection.all_containers().await?.into_iter().map(|container| container.labels);
    let networks = connection.ask("list networks", networks).await?.into_iter().filter_map(|network| network.labels);
    let volumes = connection.ask("list volumes", volumes).await?.volumes.unwrap_or_default();
    let volumes = volumes.into_iter().map(|volume| volume.labels);
    let project = |mut labels: HashMap<String, String>| {
        Some((labels.remove(labels::PROJECT)?, PathBuf::from(labels.remove(labels::DIRECTORY)?)))
    };
    Ok(containers.chain(networks).chain(volumes).filter_map(project).collect())
}

/// What only an inspection tells of a running container.
struct Inspected {
    id: String,
    started: Option<Timestamp>,
    restart: Option<Restart>,
    network_mode: Option<String>,
}

/// Nothing of a container that vanished meanwhile.
async fn inspect(connection: &Connection, id: &str) -> Option<Inspected> {
    let inspected = connection.client.inspect_container(id, None::<InspectContainerOptions>);
    let container = connection.ask("inspect container", inspected).await.ok()?;
    let started = container.state.and_then(|state| state.started_at?.parse().ok());
    let host = container.host_config.unwrap_or_default();
    let restart = host.restart_policy.as_ref().and_then(restart);
    Some(Inspected { id: id.to_owned(), started, restart, network_mode: host.network_mode })
}

fn restart(policy: &RestartPolicy) -> Option<Restart> {
    let attempts = policy.maximum_retry_count.and_then(|count| u32::try_from(count).ok()).unwrap_or_default();
    match policy.name? {
        RestartPolicyNameEnum::EMPTY | RestartPolicyNameEnum::NO => Some(Restart::No),
        RestartPolicyNameEnum::ALWAYS => Some(Restart::Always),
        RestartPolicyNameEnum::UNLESS_STOPPED => Some(Restart::UnlessStopped),
        RestartPolicyNameEnum::ON_FAILURE => Some(Restart::OnFailure { attempts }),
    }
}

async fn network_names(connection: &Connection, project: &Project) -> Result<BTreeSet<String>, EngineError> {
    let filters = Some(labels::filter(&[(labels::PROJECT, &project.id())]));
    let networks = connection.client.list_networks(Some(ListNetworksOptions { filters }));
    let networks = connection.ask("list networks", networks).await?;
    let names = networks.into_iter().filter_map(|network| network.labels?.remove(labels::NETWORK));
    Ok(names.collect())
}

async fn volume_names(connection: &Connection, project: &Project) -> Result<BTreeSet<String>, EngineError> {
    let filters = Some(labels::filter(&[(labels::PROJECT, &project.id())]));
    let volumes = connection.client.list_volumes(Some(ListVolumesOptions { filters }));
    let volumes = connection.ask("list volumes", volumes).await?.volumes.unwrap_or_default();
    Ok(volumes.into_iter().filter_map(|mut volume| volume.labels.remove(labels::VOLUME)).collect())
}

/// The containers by service. Of two containers of one service, as an interrupted replacement may leave them, the one
/// that runs counts; removing the service removes both.
fn services(containers: &[Listed], started: &HashMap<String, Timestamp>) -> BTreeMap<String, ObservedService> {
    let present: BTreeMap<&str, &Listed> = containers.iter().fold(BTreeMap::new(), |mut present, container| {
        if let Some(service) = container.service() {
            let kept = present.entry(service).or_insert(container);
            if kept.state != "running" {
                *kept = container;
            }
        }
        present
    });
    let observed = |container: &Listed| ObservedService {
        id: container.id.clone(),
        fingerprint: labels::fingerprint(container.labels.get(labels::FINGERPRINT)),
        state: container.service_state(),
        // A service in another's network is reached through that one's ports.
        ports: address::network_owner(containers, container).published(),
        on_host: false,
        started_at: started.get(&container.id).map_or(0, |time| time.as_second().max(0)),
        detached: container.lives_in().is_some_and(|owner| is_detached(&container.id, owner, &present, started)),
        circumstances: Circumstances { networks: container.network_names(), restart: None },
    };
    present.iter().map(|(service, container)| ((*service).to_owned(), observed(container))).collect()
}

/// Whether a container lives in a network namespace that is gone: its owner is not the container that its service has now,
/// or has started since and so has a new one.
fn is_detached(id: &str, owner: &str, present: &BTreeMap<&str, &Listed>, started: &HashMap<String, Timestamp>) -> bool {
    let replaced = !present.values().any(|container| container.id == owner);
    let restarted = matches!((started.get(owner), started.get(id)), (Some(owner), Some(guest)) if owner > guest);
    replaced || restarted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(text: &str) -> BTreeMap<String, ObservedService> {
        services(&serde_json::from_str::<Vec<Listed>>(text).unwrap(), &HashMap::new())
    }

    #[test]
    fn a_relay_is_detached_when_its_service_has_a_new_container() {
        let text = |mode: &str| {
            format!(
                r#"[{{"Id": "aa", "State": "running", "Labels": {{"dev.devenv.service": "api"}}}},
                    {{"Id": "bb", "State": "running", "Labels": {{"dev.devenv.service": "api-relay"}},
                      "HostConfig": {{"NetworkMode": "{mode}"}}}}]"#
            )
        };
        assert!(!observed(&text("container:aa"))["api-relay"].detached);
        assert!(observed(&text("container:a0"))["api-relay"].detached);
        assert!(!observed(&text("host"))["api-relay"].detached);
    }

    #[test]
    fn a_guest_is_detached_when_the_owner_of_its_network_started_after_it() {
        let text = r#"[{"Id": "aa", "State": "running", "Labels": {"dev.devenv.service": "api-relay"},
                        "Ports": [{"IP": "127.0.0.1", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}]},
                       {"Id": "bb", "State": "running", "Labels": {"dev.devenv.service": "api"},
                        "HostConfig": {"NetworkMode": "container:aa"}}]"#;
        let containers: Vec<Listed> = serde_json::from_str(text).unwrap();
        let api = |relay: &str, api: &str| {
            let started = [("aa", relay), ("bb", api)].map(|(id, time)| (id.to_owned(), time.parse().unwrap()));
            services(&containers, &HashMap::from(started))["api"].clone()
        };
        let (early, late) = ("2026-11-22T07:00:00.1Z", "2026-11-22T07:00:00.2Z");
        assert!(!api(early, late).detached);
        assert!(api(late, early).detached);
        assert_eq!(api(early, late).ports[0].host, 8080);
    }

    #[test]
    fn of_two_containers_of_a_service_the_running_one_counts() {
        let text = r#"[{"Id": "1", "State": "running", "Labels": {"dev.devenv.service": "db"}},
                       {"Id": "2", "State": "created", "Labels": {"dev.devenv.service": "db"}}]"#;
        assert_eq!(observed(text)["db"].id, "1");
    }

    #[test]
    fn the_fingerprint_comes_back_from_the_label() {
        let text = r#"[{"Id": "1", "State": "created", "Labels": {"dev.devenv.service": "db",
            "dev.devenv.fingerprint": "{\"image\":\"f00\"}"}}, {"Id": "2", "State": "created", "Labels": {}}]"#;
        let services = observed(text);
        assert_eq!(services.len(), 1);
        assert_eq!(services["db"].fingerprint.0["image"], "f00");
    }
}
