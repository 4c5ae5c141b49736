//! The Compose keys that are passed on to the engine as they are. Pure.
//!
//! The client library never tells the engine which version of the API it means, and an engine drops fields that it does
//! not know without a word: what is too new for this one is left out here and told.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, HashMap};

use bollard::models::{
    DeviceMapping, DeviceRequest, HostConfig, HostConfigCgroupnsModeEnum, HostConfigLogConfig, ResourcesUlimits,
};

use super::connection::ApiVersion;
use crate::manifest::{self, ContainerOptions};
use crate::plan::{Plan, PlannedService, ServiceNetwork};

/// API version from which a network connection has a hardware address of its own.
pub(super) const NETWORK_MAC_ADDRESS: ApiVersion = (1, 44);
/// API version from which containers have annotations.
const ANNOTATIONS: ApiVersion = (1, 43);

/// Adds a service's options to its request; `warnings` gets what this engine does not know.
pub(super) fn lay_on(
    host: &mut HostConfig,
    plan: &Plan,
    service: &PlannedService,
    api: ApiVersion,
    warnings: &mut Vec<String>,
) {
    let options = &service.container.options;
    limits(host, options);
    namespaces(host, plan, options);
    host.devices = some(options.devices.iter().map(device).collect());
    host.device_cgroup_rules = some(options.device_cgroup_rules.clone());
    host.device_requests = some(options.device_requests.iter().map(device_request).collect());
    host.dns = some(options.dns.clone());
    host.dns_options = some(options.dns_opt.clone());
    host.dns_search = some(options.dns_search.clone());
    host.group_add = some(options.group_add.clone());
    host.log_config = options
        .logging
        .as_ref()
        .map(|logging| HostConfigLogConfig { typ: logging.driver.clone(), config: filled(&logging.options) });
    host.runtime = options.runtime.clone();
    host.storage_opt = filled(&options.storage_opt);
    host.sysctls = filled(&options.sysctls);
    host.volumes_from = some(options.volumes_from.iter().map(|from| volumes_from(plan, from)).collect());
    // In networks of the plan links belong to the connection; the engine's own bridge knows them only here.
    if matches!(service.network, ServiceNetwork::Mode(_)) {
        host.links = some(service.container.links.clone());
    }
    if api >= ANNOTATIONS {
        host.annotations = filled(&options.annotations);
    }
    let attachments = service.container.attachments.values();
    let mac_address = options.mac_address.is_some() || attachments.clone().any(|entry| entry.mac_address.is_some());
    let too_new = [
        ("annotations", !options.annotations.is_empty(), ANNOTATIONS),
        ("mac_address", mac_address, NETWORK_MAC_ADDRESS),
    ];
    for (key, _, from) in too_new.into_iter().filter(|(_, used, from)| *used && api < *from) {
        warnings.push(format!(
            "service `{}`: `{key}` has no effect, because the engine speaks API {}.{} and knows it from {}.{} on",
            service.name, api.0, api.1, from.0, from.1
        ));
    }
}

fn limits(host: &mut HostConfig, options: &ContainerOptions) {
    host.cgroup_parent = options.cgroup_parent.clone();
    host.cpu_period = options.cpu_period;
    host.cpu_quota = options.cpu_quota;
    host.cpu_shares = options.cpu_shares;
    host.nano_cpus = options.nano_cpus;
    host.cpuset_cpus = options.cpuset.clone();
    host.memory_reservation = options.mem_reservation.and_then(|bytes| i64::try_from(bytes).ok());
    host.memory_swap = options.memswap_limit;
    host.memory_swappiness = options.mem_swappiness;
    host.oom_kill_disable = options.oom_kill_disable;
    host.oom_score_adj = options.oom_score_adj;
    let limit = |(name, limit): (&String, &manifest::Ulimit)| ResourcesUlimits {
        name: Some(name.clone()),
        soft: Some(limit.soft),
        hard: Some(limit.hard),
    };
    host.ulimits = some(options.ulimits.iter().map(limit).collect());
}

fn namespaces(host: &mut HostConfig, plan: &Plan, options: &ContainerOptions) {
    let mode = |text: &String| match text.strip_prefix("service:") {
        Some(service) => format!("container:{}", container(plan, service)),
        None => text.clone(),
    };
    host.ipc_mode = options.ipc.as_ref().map(mode);
    host.pid_mode = options.pid.as_ref().map(mode);
    host.uts_mode = options.uts.clone();
    host.userns_mode = options.userns_mode.clone();
    host.cgroupns_mode = match options.cgroup.as_deref() {
        Some("host") => Some(HostConfigCgroupnsModeEnum::HOST),
        Some("private") => Some(HostConfigCgroupnsModeEnum::PRIVATE),
        Some(_) | None => None,
    };
}

/// `SERVICE[:ro]` or `container:NAME[:ro]` to `NAME[:ro]`.
fn volumes_from(plan: &Plan, from: &str) -> String {
    if let Some(named) = from.strip_prefix("container:") {
        return named.to_owned();
    }
    match from.split_once(':') {
        Some((service, mode)) => format!("{}:{mode}", container(plan, service)),
        None => container(plan, from),
    }
}

fn container(plan: &Plan, service: &str) -> String {
    plan.services.get(service).map_or_else(|| service.to_owned(), |planned| planned.container.name.clone())
}

fn device(device: &manifest::Device) -> DeviceMapping {
    DeviceMapping {
        path_on_host: Some(device.source.clone()),
        path_in_container: Some(device.target.clone()),
        cgroup_permissions: Some(device.permissions.clone()),
    }
}

fn device_request(request: &manifest::DeviceRequest) -> DeviceRequest {
    // The engine takes either a number or names; without both, all that there are are meant.
    let count = request.count.or_else(|| request.device_ids.is_empty().then_some(-1));
    DeviceRequest {
        driver: request.driver.clone(),
        count,
        device_ids: some(request.device_ids.clone()),
        capabilities: Some(vec![request.capabilities.clone()]),
        options: filled(&request.options),
    }
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}

fn filled(map: &BTreeMap<String, String>) -> Option<HashMap<String, String>> {
    Some(map.clone().into_iter().collect()).filter(|map: &HashMap<_, _>| !map.is_empty())
}
