//! The valid keys of the Compose Specification that the manifest has no place for: reported by name, never dropped.

pub(super) const TOP_LEVEL: &[&str] = &["include", "models"];

pub(super) const SERVICE: &[&str] = &[
    "annotations",
    "attach",
    "blkio_config",
    "cgroup",
    "cgroup_parent",
    "cpu_count",
    "cpu_percent",
    "cpu_period",
    "cpu_quota",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "cpu_shares",
    "cpus",
    "cpuset",
    "credential_spec",
    "deploy",
    "develop",
    "device_cgroup_rules",
    "devices",
    "dns",
    "dns_opt",
    "dns_search",
    "domainname",
    "env_file",
    "extends",
    "external_links",
    "gpus",
    "group_add",
    "ipc",
    "isolation",
    "label_file",
    "links",
    "logging",
    "mac_address",
    "mem_reservation",
    "mem_swappiness",
    "memswap_limit",
    "models",
    "oom_kill_disable",
    "oom_score_adj",
    "pid",
    "post_start",
    "pre_stop",
    "provider",
    "pull_refresh_after",
    "runtime",
    "scale",
    "storage_opt",
    "sysctls",
    "ulimits",
    "use_api_socket",
    "userns_mode",
    "uts",
    "volumes_from",
];

pub(super) const BUILD: &[&str] = &[
    "additional_contexts",
    "cache_from",
    "cache_to",
    "dockerfile_inline",
    "entitlements",
    "extra_hosts",
    "isolation",
    "labels",
    "network",
    "no_cache",
    "no_cache_filter",
    "platforms",
    "privileged",
    "provenance",
    "pull",
    "sbom",
    "secrets",
    "shm_size",
    "ssh",
    "tags",
    "ulimits",
];

pub(super) const PORT: &[&str] = &["app_protocol", "mode", "name"];

pub(super) const MOUNT: &[&str] = &["bind", "consistency", "image", "volume"];

pub(super) const FILE_REFERENCE: &[&str] = &["gid", "uid"];

pub(super) const DEPENDENCY: &[&str] = &["required", "restart"];

pub(super) const SERVICE_NETWORK: &[&str] = &[
    "aliases",
    "driver_opts",
    "gw_priority",
    "interface_name",
    "ipv4_address",
    "ipv6_address",
    "link_local_ips",
    "mac_address",
    "priority",
];

pub(super) const NETWORK: &[&str] = &["attachable", "driver_opts", "enable_ipv4", "enable_ipv6", "ipam", "labels"];

pub(super) const VOLUME: &[&str] = &["driver_opts", "labels"];

pub(super) const SECRET: &[&str] = &["driver", "driver_opts", "external", "labels", "name", "template_driver"];

pub(super) const CONFIG: &[&str] = &["environment", "external", "labels", "name", "template_driver"];
