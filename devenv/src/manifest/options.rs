//! Compose keys that only mean something to a container engine and are passed on to it as they are.
//!
//! Must not know what an engine does with them. One type for the manifest and the plan: there is nothing to resolve.

use std::collections::BTreeMap;

/// Container settings beside the ones that have a meaning of their own here. Everything absent is the engine's default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerOptions {
    /// `annotations:`.
    pub annotations: BTreeMap<String, String>,
    /// `cgroup:` `host` or `private`.
    pub cgroup: Option<String>,
    /// `cgroup_parent:`.
    pub cgroup_parent: Option<String>,
    /// `cpu_period:` in microseconds.
    pub cpu_period: Option<i64>,
    /// `cpu_quota:` in microseconds.
    pub cpu_quota: Option<i64>,
    /// `cpu_shares:` relative weight.
    pub cpu_shares: Option<i64>,
    /// `cpus:` (also `deploy.resources.limits.cpus`) in billionths of a processor.
    pub nano_cpus: Option<i64>,
    /// `cpuset:` processors by number, e.g. `0-2`.
    pub cpuset: Option<String>,
    /// `device_cgroup_rules:`.
    pub device_cgroup_rules: Vec<String>,
    /// `devices:`.
    pub devices: Vec<Device>,
    /// `dns:` servers.
    pub dns: Vec<String>,
    /// `dns_opt:`.
    pub dns_opt: Vec<String>,
    /// `dns_search:` domains.
    pub dns_search: Vec<String>,
    /// `domainname:`.
    pub domainname: Option<String>,
    /// `gpus:` (also `deploy.resources.reservations.devices`).
    pub device_requests: Vec<DeviceRequest>,
    /// `group_add:`.
    pub group_add: Vec<String>,
    /// `ipc:`.
    pub ipc: Option<String>,
    /// `logging:`.
    pub logging: Option<Logging>,
    /// `mac_address:`.
    pub mac_address: Option<String>,
    /// `mem_reservation:` in bytes.
    pub mem_reservation: Option<u64>,
    /// `mem_swappiness:` 0 to 100.
    pub mem_swappiness: Option<i64>,
    /// `memswap_limit:` memory and swap in bytes; -1: no limit.
    pub memswap_limit: Option<i64>,
    /// `oom_kill_disable:`.
    pub oom_kill_disable: Option<bool>,
    /// `oom_score_adj:`.
    pub oom_score_adj: Option<i64>,
    /// `pid:`.
    pub pid: Option<String>,
    /// `runtime:`.
    pub runtime: Option<String>,
    /// `storage_opt:`.
    pub storage_opt: BTreeMap<String, String>,
    /// `sysctls:`.
    pub sysctls: BTreeMap<String, String>,
    /// `ulimits:` by name.
    pub ulimits: BTreeMap<String, Ulimit>,
    /// `userns_mode:`.
    pub userns_mode: Option<String>,
    /// `uts:`.
    pub uts: Option<String>,
    /// `volumes_from:` a service or `container:NAME`, with `:ro` where it says so.
    pub volumes_from: Vec<String>,
}

impl ContainerOptions {
    /// The same with everything that `over` sets.
    pub(crate) fn lay_over(&mut self, over: Self) {
        macro_rules! some { ($($field:ident),* $(,)?) => { $( if over.$field.is_some() { self.$field = over.$field; } )* } }
        macro_rules! filled { ($($field:ident),* $(,)?) => { $( if !over.$field.is_empty() { self.$field = over.$field; } )* } }
        some!(
            cgroup,
            cgroup_parent,
            cpu_period,
            cpu_quota,
            cpu_shares,
            nano_cpus,
            cpuset,
            domainname,
            ipc,
            logging,
            mac_address,
            mem_reservation,
            mem_swappiness,
            memswap_limit,
            oom_kill_disable,
            oom_score_adj,
            pid,
            runtime,
            userns_mode,
            uts,
        );
        filled!(device_cgroup_rules, devices, dns, dns_opt, dns_search, device_requests, group_add, volumes_from);
        self.annotations.extend(over.annotations);
        self.storage_opt.extend(over.storage_opt);
        self.sysctls.extend(over.sysctls);
        self.ulimits.extend(over.ulimits);
    }
}

/// An entry of `devices:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Path on this machine.
    pub source: String,
    /// Path in the container.
    pub target: String,
    /// Some of `rwm`.
    pub permissions: String,
}

/// Devices asked for by what they can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceRequest {
    /// Driver, e.g. `nvidia`.
    pub driver: Option<String>,
    /// How many; -1: all.
    pub count: Option<i64>,
    /// Which.
    pub device_ids: Vec<String>,
    /// E.g. `gpu`.
    pub capabilities: Vec<String>,
    /// Of the driver.
    pub options: BTreeMap<String, String>,
}

/// `logging:`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logging {
    /// Driver; the engine's default without it.
    pub driver: Option<String>,
    /// Of the driver.
    pub options: BTreeMap<String, String>,
}

/// An entry of `ulimits:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ulimit {
    /// Can be raised up to `hard`.
    pub soft: i64,
    /// Cannot be raised.
    pub hard: i64,
}

/// How a service is known in one network, beside its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachment {
    /// Further names.
    pub aliases: Vec<String>,
    /// Fixed address.
    pub ipv4: Option<String>,
    /// Fixed address.
    pub ipv6: Option<String>,
    /// Fixed link-local addresses.
    pub link_local: Vec<String>,
    /// Fixed hardware address.
    pub mac_address: Option<String>,
    /// Options of the driver.
    pub driver_opts: BTreeMap<String, String>,
    /// Networks are connected in descending order of it.
    pub priority: i64,
}

/// `ipam:` of a network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ipam {
    /// Driver.
    pub driver: Option<String>,
    /// Address ranges.
    pub pools: Vec<AddressPool>,
    /// Of the driver.
    pub options: BTreeMap<String, String>,
}

/// An entry of `ipam.config:`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressPool {
    /// CIDR of the network.
    pub subnet: Option<String>,
    /// CIDR from which containers get addresses.
    pub ip_range: Option<String>,
    /// Router.
    pub gateway: Option<String>,
    /// Reserved addresses by host name.
    pub aux_addresses: BTreeMap<String, String>,
}
