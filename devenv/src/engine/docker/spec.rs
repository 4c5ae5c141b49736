//! A planned service to the body of a create request. Pure; must not know what is there already.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeSet, HashMap};

use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, NetworkingConfig, PortBinding, PortMap,
    RestartPolicy, RestartPolicyNameEnum,
};

use super::connection::ApiVersion;
use super::{files, labels, mounts, options};
use crate::manifest::Restart;
use crate::plan::{Plan, PlannedService, PublishedPort, Role, ServiceNetwork};

/// API version from which a container can be connected to several networks when it is made.
const SEVERAL_NETWORKS: ApiVersion = (1, 44);

/// A create request, and what must follow it.
#[derive(Debug)]
pub(super) struct Spec {
    /// The request's body.
    pub(super) body: ContainerCreateBody,
    /// Engine names of networks to connect afterwards, and how.
    pub(super) connect_later: Vec<(String, EndpointSettings)>,
    /// What this engine cannot do and others can.
    pub(super) warnings: Vec<String>,
}

/// What a container is made from beside its plan.
pub(super) struct Circumstances<'a> {
    /// Image reference.
    pub(super) image: &'a str,
    /// Id of the container whose network namespace it shares, for `SharedWith`.
    pub(super) namespace_of: Option<&'a str>,
    /// What the engine speaks.
    pub(super) api: ApiVersion,
}

/// The create request of a service.
pub(super) fn spec(plan: &Plan, service: &PlannedService, given: &Circumstances<'_>) -> Spec {
    let mut networks = networks(plan, service, given.api);
    let connect_later = if given.api < SEVERAL_NETWORKS && networks.len() > 1 { networks.split_off(1) } else { vec![] };
    let mut warnings = Vec::new();
    let mut host = host_config(plan, service);
    options::lay_on(&mut host, plan, service, given.api, &mut warnings);
    // A container in another's network namespace has neither ports nor a host name of its own; the engine refuses both.
    let own_network = !matches!(service.network, ServiceNetwork::SharedWith(_));
    let ports = if own_network { service.ports.as_slice() } else { &[] };
    let settings = &service.container;
    let body = ContainerCreateBody {
        image: Some(given.image.to_owned()),
        hostname: settings.hostname.clone().filter(|_| own_network),
        domainname: settings.options.domainname.clone().filter(|_| own_network),
        user: service.hardening.user.clone(),
        tty: Some(settings.tty),
        open_stdin: Some(settings.stdin_open),
        env: Some(service.environment.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        cmd: Some(service.command.clone()).filter(|command| !command.is_empty()),
        entrypoint: service.entrypoint.clone(),
        working_dir: settings.working_dir.clone(),
        exposed_ports: Some(ports.iter().map(container_port).collect()),
        labels: Some(labels::of_service(&plan.project, service)),
        stop_signal: Some(service.stop.signal.clone()).filter(|signal| !signal.is_empty()),
        stop_timeout: Some(seconds(service)),
        host_config: Some(HostConfig {
            network_mode: network_mode(service, &networks, given.namespace_of),
            port_bindings: Some(port_bindings(ports)),
            ..host
        }),
        networking_config: endpoints(networks),
        ..Default::default()
    };
    Spec { body, connect_later, warnings }
}

/// A service's networks by their names in the engine; none when it does not use networks of the plan.
fn networks(plan: &Plan, service: &PlannedService, api: ApiVersion) -> Vec<(String, EndpointSettings)> {
    match &service.network {
        ServiceNetwork::Networks(keys) => keys
            .iter()
            .enumerate()
            .map(|(place, key)| {
                let name = plan.networks.get(key).map_or(key, |network| &network.name).clone();
                (name, attached(service, key, place == 0, api))
            })
            .collect(),
        ServiceNetwork::SharedWith(_) | ServiceNetwork::Mode(_) | ServiceNetwork::Host => vec![],
    }
}

/// How a service is known in a network: by its name, and as the file says. A relay owns the namespace of its service and
/// answers for it.
fn attached(service: &PlannedService, key: &str, first: bool, api: ApiVersion) -> EndpointSettings {
    let known_as = match &service.role {
        Role::Relay { of } => of,
        Role::BuiltIn | Role::User => &service.name,
    };
    let written = service.container.attachments.get(key).cloned().unwrap_or_default();
    let addresses = EndpointIpamConfig {
        ipv4_address: written.ipv4,
        ipv6_address: written.ipv6,
        link_local_ips: Some(written.link_local).filter(|addresses| !addresses.is_empty()),
    };
    let own_address = service.container.options.mac_address.clone().filter(|_| first);
    EndpointSettings {
        aliases: Some(std::iter::once(known_as.clone()).chain(written.aliases).collect()),
        ipam_config: (addresses != EndpointIpamConfig::default()).then_some(addresses),
        links: Some(service.container.links.clone()).filter(|links| !links.is_empty()),
        mac_address: written.mac_address.or(own_address).filter(|_| api >= options::NETWORK_MAC_ADDRESS),
        driver_opts: Some(written.driver_opts.into_iter().collect()).filter(|map: &HashMap<_, _>| !map.is_empty()),
        ..Default::default()
    }
}

/// The grace of a stop in whole seconds, the engine's unit.
pub(super) fn seconds(service: &PlannedService) -> i64 {
    let grace = service.stop.grace;
    i64::try_from(grace.as_secs()).unwrap_or(i64::MAX).saturating_add(i64::from(grace.subsec_nanos() > 0))
}

fn endpoints(networks: Vec<(String, EndpointSettings)>) -> Option<NetworkingConfig> {
    if networks.is_empty() {
        return None;
    }
    Some(NetworkingConfig { endpoints_config: Some(networks.into_iter().collect()) })
}

fn network_mode(
    service: &PlannedService,
    networks: &[(String, EndpointSettings)],
    namespace_of: Option<&str>,
) -> Option<String> {
    match &service.network {
        ServiceNetwork::Networks(_) => {
            networks.first().map(|(name, _)| name.clone()).or_else(|| Some("none".to_owned()))
        }
        ServiceNetwork::SharedWith(other) => Some(format!("container:{}", namespace_of.unwrap_or(other))),
        ServiceNetwork::Mode(mode) => Some(mode.clone()),
        ServiceNetwork::Host => Some("host".to_owned()),
    }
}

fn host_config(plan: &Plan, service: &PlannedService) -> HostConfig {
    let hardening = &service.hardening;
    let volumes = files::volumes_for(service);
    let some = |list: &[String]| Some(list.to_vec()).filter(|list| !list.is_empty());
    HostConfig {
        memory: hardening.memory.and_then(|bytes| i64::try_from(bytes).ok()),
        // `false` must be said: an engine can be configured to add an init process by itself.
        init: Some(hardening.init),
        pids_limit: hardening.pids_limit,
        cap_add: some(&hardening.cap_add),
        cap_drop: some(&hardening.cap_drop),
        security_opt: some(&hardening.security_opt),
        privileged: Some(hardening.privileged),
        readonly_rootfs: Some(hardening.read_only),
        restart_policy: Some(restart_policy(service.restart)),
        mounts: Some(mounts::mounts(plan, service, &volumes)),
        binds: Some(mounts::binds(service)).filter(|binds| !binds.is_empty()),
        // A volume of delivered files takes the place of an in-memory file system that would hide them.
        tmpfs: Some(tmpfs(service, &volumes)),
        extra_hosts: some(&service.container.extra_hosts),
        shm_size: service.container.shm_size.and_then(|bytes| i64::try_from(bytes).ok()),
        ..Default::default()
    }
}

fn tmpfs(service: &PlannedService, volumes: &BTreeSet<String>) -> HashMap<String, String> {
    let kept = service.tmpfs.iter().filter(|(path, _)| !volumes.contains(path.trim_end_matches('/')));
    kept.map(|(path, options)| (path.clone(), options.clone())).collect()
}

fn restart_policy(restart: Restart) -> RestartPolicy {
    let (name, attempts) = match restart {
        Restart::No => (RestartPolicyNameEnum::NO, 0),
        Restart::Always => (RestartPolicyNameEnum::ALWAYS, 0),
        Restart::OnFailure { attempts } => (RestartPolicyNameEnum::ON_FAILURE, i64::from(attempts)),
        Restart::UnlessStopped => (RestartPolicyNameEnum::UNLESS_STOPPED, 0),
    };
    RestartPolicy { name: Some(name), maximum_retry_count: Some(attempts) }
}

/// `80/tcp`.
fn container_port(port: &PublishedPort) -> String {
    format!("{}/{}", port.target, if port.udp { "udp" } else { "tcp" })
}

fn port_bindings(ports: &[PublishedPort]) -> PortMap {
    let mut bindings = PortMap::new();
    for port in ports {
        let binding = PortBinding {
            host_ip: Some(port.host_ip.clone()),
            // Empty: any free port.
            host_port: Some(if port.host == 0 { String::new() } else { port.host.to_string() }),
        };
        bindings.entry(container_port(port)).or_default().get_or_insert_default().push(binding);
    }
    bindings
}
