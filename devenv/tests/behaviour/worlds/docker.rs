//! A Docker engine's containers, networks and volumes.

use std::collections::BTreeMap;

use bollard::query_parameters::{KillContainerOptions, ListContainersOptions, ListNetworksOptions, ListVolumesOptions};
use devenv::engine::docker::Docker;
use devenv::engine::{Engine, ObservedService};
use devenv::manifest::EngineName;
use devenv::plan::Project;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::World;
use crate::required::if_it_answers;

struct Engines {
    environment: BTreeMap<String, String>,
    client: bollard::Docker,
}

/// None when no engine answers and none is required.
pub(crate) async fn open() -> Option<Box<dyn World>> {
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let docker = if_it_answers(Docker::connect(&environment).await)?;
    let endpoint = docker.endpoint();
    let (seconds, version) = (60, bollard::API_DEFAULT_VERSION);
    let client = match endpoint.strip_prefix("unix://") {
        Some(path) => bollard::Docker::connect_with_unix(path, seconds, version),
        None => bollard::Docker::connect_with_http(&endpoint, seconds, version),
    };
    Some(Box::new(Engines { environment, client: client.expect("a client") }))
}

impl World for Engines {
    fn plans_for(&self) -> EngineName {
        EngineName::Docker
    }

    fn engine(&self) -> BoxFuture<'_, Box<dyn Engine>> {
        async {
            let engine: Box<dyn Engine> =
                Box::new(Docker::connect(&self.environment).await.expect("it answered before"));
            engine
        }
        .boxed()
    }

    fn kill<'a>(&'a self, _: &'a Project, _: &'a str, service: &'a ObservedService) -> BoxFuture<'a, ()> {
        let options = Some(KillContainerOptions { signal: "SIGKILL".into() });
        async move { self.client.kill_container(&service.id, options).await.expect("killed") }.boxed()
    }

    /// By name and not by label: what an engine value forgot to label is left as well.
    fn traces<'a>(&'a self, project: &'a Project) -> BoxFuture<'a, Vec<String>> {
        async {
            let containers = ListContainersOptions { all: true, ..Default::default() };
            let containers = self.client.list_containers(Some(containers)).await.expect("containers");
            let networks = self.client.list_networks(None::<ListNetworksOptions>).await.expect("networks");
            let volumes = self.client.list_volumes(None::<ListVolumesOptions>).await.expect("volumes");
            let containers = containers.into_iter().flat_map(|container| container.names.unwrap_or_default());
            let networks = networks.into_iter().filter_map(|network| network.name);
            let volumes = volumes.volumes.unwrap_or_default().into_iter().map(|volume| volume.name);
            let ours = |name: &String| {
                let rest = name.trim_start_matches('/').strip_prefix(&project.id());
                rest.is_some_and(|rest| rest.starts_with(['-', '_']))
            };
            containers.chain(networks).chain(volumes).filter(ours).collect()
        }
        .boxed()
    }

    fn next_cut(&self, polls: usize) -> usize {
        polls * 2
    }
}
