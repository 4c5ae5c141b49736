//! Networks and named volumes. Must not know who uses them.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{Ipam, IpamConfig, Network, NetworkCreateRequest, VolumeCreateRequest};
use bollard::query_parameters::{InspectNetworkOptions, ListNetworksOptions, ListVolumesOptions, RemoveVolumeOptions};

use super::connection::Connection;
use super::labels;
use crate::engine::EngineError;
use crate::plan::{Plan, PlannedNetwork, PlannedVolume, Project};

/// Makes a network, or sees that an external one is there.
pub(super) async fn create_network(connection: &Connection, plan: &Plan, key: &str) -> Result<(), EngineError> {
    let Some(network) = plan.networks.get(key) else { return Ok(()) };
    let action = format!("create network `{}`", network.name);
    if !network.external && keep_one_network(connection, &plan.project, key).await? {
        return Ok(());
    }
    let inspected = connection.client.inspect_network(&network.name, None::<InspectNetworkOptions>);
    // Names of networks are not unique in the engine: a second one beside somebody else's would be made without a word.
    match connection.ask(&action, inspected).await {
        Ok(_) if network.external => return Ok(()),
        Ok(found) => return owned(&plan.project, found.labels.as_ref(), action),
        Err(failure) if failure.is_gone() && network.external => {
            return Err(EngineError::Refused { action, cause: "it is external and does not exist".to_owned() });
        }
        Err(failure) => failure.unless_gone()?,
    }
    let request = network_request(&plan.project, key, network);
    match connection.ask(&action, connection.client.create_network(request)).await {
        Err(failure) if !failure.is_conflict() => return Err(failure.into()),
        _ => {}
    }
    keep_one_network(connection, &plan.project, key).await.map(drop)
}

pub(super) fn network_request(project: &Project, key: &str, network: &PlannedNetwork) -> NetworkCreateRequest {
    NetworkCreateRequest {
        name: network.name.clone(),
        driver: Some(network.driver.clone().unwrap_or_else(|| "bridge".to_owned())),
        internal: Some(network.internal),
        attachable: Some(network.attachable),
        enable_ipv6: network.ipv6.then_some(true),
        ipam: ipam(&network.ipam),
        options: some(&network.driver_opts),
        labels: Some(with_ours(&network.labels, project, labels::NETWORK, key)),
        ..Default::default()
    }
}

pub(super) fn volume_request(project: &Project, key: &str, volume: &PlannedVolume) -> VolumeCreateRequest {
    VolumeCreateRequest {
        name: Some(volume.name.clone()),
        driver: Some(volume.driver.clone().unwrap_or_else(|| "local".to_owned())),
        driver_opts: some(&volume.driver_opts),
        labels: Some(with_ours(&volume.labels, project, labels::VOLUME, key)),
        ..Default::default()
    }
}

/// The user's labels, and ours over them.
fn with_ours(theirs: &BTreeMap<String, String>, project: &Project, label: &str, key: &str) -> HashMap<String, String> {
    let mut all: HashMap<String, String> = theirs.clone().into_iter().collect();
    all.extend(labels::of_project(project));
    all.insert(label.to_owned(), key.to_owned());
    all
}

fn some(map: &BTreeMap<String, String>) -> Option<HashMap<String, String>> {
    Some(map.clone().into_iter().collect()).filter(|map: &HashMap<_, _>| !map.is_empty())
}

fn ipam(ipam: &crate::manifest::Ipam) -> Option<Ipam> {
    let pool = |pool: &crate::manifest::AddressPool| IpamConfig {
        subnet: pool.subnet.clone(),
        ip_range: pool.ip_range.clone(),
        gateway: pool.gateway.clone(),
        auxiliary_addresses: some(&pool.aux_addresses),
    };
    let request = Ipam {
        driver: ipam.driver.clone(),
        config: Some(ipam.pools.iter().map(pool).collect()).filter(|pools: &Vec<_>| !pools.is_empty()),
        options: some(&ipam.options),
    };
    (request != Ipam::default()).then_some(request)
}

/// Whether a network of ours is there. Of several the oldest is kept: an engine goes on with a request that was given up
/// (Ctrl-C), so that the next run may make the network a second time, and containers start in neither of the two.
async fn keep_one_network(connection: &Connection, project: &Project, key: &str) -> Result<bool, EngineError> {
    let mut networks = own_networks(connection, project, key).await?;
    networks.sort_by(|a, b| (&a.created, &a.id).cmp(&(&b.created, &b.id)));
    let mut networks = networks.into_iter();
    let kept = networks.next();
    remove_networks(connection, networks).await?;
    Ok(kept.is_some())
}

/// Makes a volume, or sees that an external one is there.
pub(super) async fn create_volume(connection: &Connection, plan: &Plan, key: &str) -> Result<(), EngineError> {
    let Some(volume) = plan.volumes.get(key) else { return Ok(()) };
    let action = format!("create volume `{}`", volume.name);
    match connection.ask(&action, connection.client.inspect_volume(&volume.name)).await {
        Ok(_) if volume.external => return Ok(()),
        Ok(found) => return owned(&plan.project, Some(&found.labels), action),
        Err(failure) if failure.is_gone() && volume.external => {
            return Err(EngineError::Refused { action, cause: "it is external and does not exist".to_owned() });
        }
        Err(failure) => failure.unless_gone()?,
    }
    let request = volume_request(&plan.project, key, volume);
    match connection.ask(&action, connection.client.create_volume(request)).await {
        Err(failure) if !failure.is_conflict() => Err(failure.into()),
        _ => Ok(()),
    }
}

/// Removes the networks that carry this name of the manifest.
pub(super) async fn remove_network(connection: &Connection, project: &Project, key: &str) -> Result<(), EngineError> {
    remove_networks(connection, own_networks(connection, project, key).await?).await
}

async fn own_networks(connection: &Connection, project: &Project, key: &str) -> Result<Vec<Network>, EngineError> {
    let filters = Some(labels::filter(&[(labels::PROJECT, &project.id()), (labels::NETWORK, key)]));
    let found = connection.client.list_networks(Some(ListNetworksOptions { filters }));
    Ok(connection.ask("list networks", found).await?)
}

async fn remove_networks(
    connection: &Connection,
    networks: impl IntoIterator<Item = Network>,
) -> Result<(), EngineError> {
    for network in networks {
        let (id, name) = (network.id.unwrap_or_default(), network.name.unwrap_or_default());
        let removed = connection.client.remove_network(&id);
        if let Err(failure) = connection.ask(&format!("remove network `{name}`"), removed).await {
            failure.unless_gone()?;
        }
    }
    Ok(())
}

/// Removes the volumes that carry this name of the manifest.
pub(super) async fn remove_volume(connection: &Connection, project: &Project, key: &str) -> Result<(), EngineError> {
    let filters = Some(labels::filter(&[(labels::PROJECT, &project.id()), (labels::VOLUME, key)]));
    let found = connection.client.list_volumes(Some(ListVolumesOptions { filters }));
    for volume in connection.ask("list volumes", found).await?.volumes.unwrap_or_default() {
        let removed = connection.client.remove_volume(&volume.name, Some(RemoveVolumeOptions { force: true }));
        if let Err(failure) = connection.ask(&format!("remove volume `{}`", volume.name), removed).await {
            failure.unless_gone()?;
        }
    }
    Ok(())
}

/// What exists under our name must be ours: using somebody else's would let two projects meet.
fn owned(project: &Project, labels: Option<&HashMap<String, String>>, action: String) -> Result<(), EngineError> {
    if labels.and_then(|labels| labels.get(labels::PROJECT)) == Some(&project.id()) {
        return Ok(());
    }
    Err(EngineError::Refused {
        action,
        cause: format!(
            "one of this name exists and does not belong to `{}`; `external: true` would use it",
            project.id()
        ),
    })
}
