//! The valid keys of the Compose Specification that the manifest has no place for: reported by name, never dropped.

pub(super) const TOP_LEVEL: &[&str] = &["models"];

/// Keys of `deploy` that only speak to a swarm.
pub(super) const SWARM: &[&str] =
    &["endpoint_mode", "job", "labels", "mode", "placement", "rollback_config", "update_config"];

pub(super) const SERVICE: &[&str] = &[
    "attach",
    "blkio_config",
    "cpu_count",
    "cpu_percent",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "credential_spec",
    "isolation",
    "label_file",
    "models",
    "post_start",
    "pre_stop",
    "provider",
    "pull_refresh_after",
    "use_api_socket",
];

pub(super) const BUILD: &[&str] = &[
    "additional_contexts",
    "cache_to",
    "entitlements",
    "isolation",
    "no_cache_filter",
    "platforms",
    "privileged",
    "provenance",
    "sbom",
    "secrets",
    "ssh",
    "ulimits",
];

pub(super) const PORT: &[&str] = &["app_protocol", "name"];

pub(super) const MOUNT: &[&str] = &["image"];

pub(super) const MOUNT_VOLUME: &[&str] = &["labels", "subpath"];

pub(super) const FILE_REFERENCE: &[&str] = &["gid", "uid"];

pub(super) const SERVICE_NETWORK: &[&str] = &["gw_priority", "interface_name"];

/// Of an entry of `develop.watch`.
pub(super) const WATCH: &[&str] = &["exec", "include", "initial_sync"];

pub(super) const NETWORK: &[&str] = &["enable_ipv4"];

pub(super) const SECRET: &[&str] = &["driver", "driver_opts", "external", "labels", "name", "template_driver"];

pub(super) const CONFIG: &[&str] = &["external", "labels", "name", "template_driver"];
