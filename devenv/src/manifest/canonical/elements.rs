//! The elements of the Compose file format that a manifest and an export write alike. Pure; must not know where they stand.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::manifest::model::{Build, Condition, Restart};
use crate::manifest::options::{Attachment, ContainerOptions, Ipam};

/// A mapping that leaves out what says nothing.
#[derive(Debug, Default)]
pub(crate) struct Object(pub(crate) Map<String, Value>);

impl Object {
    /// A key, unless its value is null or empty.
    pub(crate) fn set(&mut self, key: &str, value: Value) {
        let empty = match &value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(entries) => entries.is_empty(),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        };
        if !empty {
            self.0.insert(key.to_owned(), value);
        }
    }

    /// A text, when there is one.
    pub(crate) fn text(&mut self, key: &str, value: Option<&String>) {
        self.set(key, json!(value));
    }

    /// A switch that is on.
    pub(crate) fn truth(&mut self, key: &str, value: Option<bool>) {
        self.set(key, value.filter(|value| *value).map_or(Value::Null, Value::Bool));
    }

    /// The mapping as a value.
    pub(crate) fn value(self) -> Value {
        Value::Object(self.0)
    }
}

/// A plain `$` is written `$$`, so that the document can be read again; variables of ours stay variables.
pub(crate) fn escape(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('$') => {
            *text = text.replace('$', "$$").replace("$${DEVENV_", "${DEVENV_");
        }
        Value::Array(items) => items.iter_mut().for_each(escape),
        Value::Object(entries) => entries.values_mut().for_each(escape),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A condition of `depends_on`.
pub(crate) fn condition(condition: Condition) -> &'static str {
    match condition {
        Condition::Started => "service_started",
        Condition::Healthy => "service_healthy",
        Condition::Completed => "service_completed_successfully",
    }
}

/// `restart:`.
pub(crate) fn restart(restart: Restart) -> Value {
    match restart {
        Restart::No => json!("no"),
        Restart::Always => json!("always"),
        Restart::UnlessStopped => json!("unless-stopped"),
        Restart::OnFailure { attempts: 0 } => json!("on-failure"),
        Restart::OnFailure { attempts } => json!(format!("on-failure:{attempts}")),
    }
}

/// `build:`; `path` writes a path of this machine.
pub(crate) fn build(build: &Build, path: impl Fn(&Path) -> Value) -> Value {
    let mut out = Object::default();
    out.set("context", path(&build.context));
    match &build.dockerfile_inline {
        Some(text) => out.set("dockerfile_inline", json!(text)),
        None => out.set("dockerfile", json!(build.dockerfile.as_deref().unwrap_or("Dockerfile"))),
    }
    out.set("args", json!(build.args));
    out.text("target", build.target.as_ref());
    out.set("labels", json!(build.labels));
    out.text("network", build.network.as_ref());
    out.set("extra_hosts", hosts(&build.extra_hosts));
    out.set("shm_size", json!(build.shm_size.map(|size| size.to_string())));
    out.set("tags", json!(build.tags));
    out.set("cache_from", json!(build.cache_from));
    out.truth("no_cache", Some(build.no_cache));
    out.truth("pull", Some(build.pull));
    Value::Object(out.0)
}

/// `ipam:` of a network.
pub(crate) fn ipam(ipam: &Ipam) -> Value {
    let mut out = Object::default();
    out.text("driver", ipam.driver.as_ref());
    let pools = ipam.pools.iter().map(|pool| {
        let mut out = Object::default();
        out.text("subnet", pool.subnet.as_ref());
        out.text("ip_range", pool.ip_range.as_ref());
        out.text("gateway", pool.gateway.as_ref());
        out.set("aux_addresses", json!(pool.aux_addresses));
        out.value()
    });
    out.set("config", pools.collect());
    out.set("options", json!(ipam.options));
    out.value()
}

/// What only a container engine understands.
pub(crate) fn options(out: &mut Object, options: &ContainerOptions) {
    for (key, value) in [
        ("cgroup", &options.cgroup),
        ("cgroup_parent", &options.cgroup_parent),
        ("cpuset", &options.cpuset),
        ("domainname", &options.domainname),
        ("ipc", &options.ipc),
        ("mac_address", &options.mac_address),
        ("pid", &options.pid),
        ("runtime", &options.runtime),
        ("userns_mode", &options.userns_mode),
        ("uts", &options.uts),
    ] {
        out.text(key, value.as_ref());
    }
    for (key, value) in [
        ("cpu_period", options.cpu_period),
        ("cpu_quota", options.cpu_quota),
        ("cpu_shares", options.cpu_shares),
        ("mem_swappiness", options.mem_swappiness),
        ("oom_score_adj", options.oom_score_adj),
    ] {
        out.set(key, json!(value));
    }
    #[expect(clippy::cast_precision_loss, reason = "a few processors")]
    out.set("cpus", json!(options.nano_cpus.map(|nano| nano as f64 / 1e9)));
    out.set("mem_reservation", json!(options.mem_reservation.map(|bytes| bytes.to_string())));
    out.set("memswap_limit", json!(options.memswap_limit.map(|bytes| bytes.to_string())));
    out.truth("oom_kill_disable", options.oom_kill_disable);
    for (key, value) in [
        ("device_cgroup_rules", &options.device_cgroup_rules),
        ("dns", &options.dns),
        ("dns_opt", &options.dns_opt),
        ("dns_search", &options.dns_search),
        ("group_add", &options.group_add),
        ("volumes_from", &options.volumes_from),
    ] {
        out.set(key, json!(value));
    }
    for (key, value) in
        [("annotations", &options.annotations), ("storage_opt", &options.storage_opt), ("sysctls", &options.sysctls)]
    {
        out.set(key, json!(value));
    }
    let devices = options.devices.iter();
    let devices = devices.map(|device| json!(format!("{}:{}:{}", device.source, device.target, device.permissions)));
    out.set("devices", devices.collect());
    let limits = options.ulimits.iter().map(|(name, limit)| {
        let same = limit.soft == limit.hard;
        (name.clone(), if same { json!(limit.soft) } else { json!({ "soft": limit.soft, "hard": limit.hard }) })
    });
    out.set("ulimits", Value::Object(limits.collect()));
    let gpus = options.device_requests.iter().map(|request| {
        let mut out = Object::default();
        out.text("driver", request.driver.as_ref());
        out.set("count", json!(request.count));
        out.set("device_ids", json!(request.device_ids));
        out.set("capabilities", json!(request.capabilities));
        out.set("options", json!(request.options));
        Value::Object(out.0)
    });
    out.set("gpus", gpus.collect());
    if let Some(logging) = &options.logging {
        let mut written = Object::default();
        written.text("driver", logging.driver.as_ref());
        written.set("options", json!(logging.options));
        out.set("logging", Value::Object(written.0));
    }
}

/// How a service is known in a network.
pub(crate) fn attachment(attachment: &Attachment) -> Value {
    let mut out = Object::default();
    out.set("aliases", json!(attachment.aliases));
    out.text("ipv4_address", attachment.ipv4.as_ref());
    out.text("ipv6_address", attachment.ipv6.as_ref());
    out.set("link_local_ips", json!(attachment.link_local));
    out.text("mac_address", attachment.mac_address.as_ref());
    out.set("driver_opts", json!(attachment.driver_opts));
    out.set("priority", if attachment.priority == 0 { Value::Null } else { json!(attachment.priority) });
    Value::Object(out.0)
}

/// Compose writes `name=address`.
pub(crate) fn hosts(hosts: &[String]) -> Value {
    hosts.iter().map(|host| json!(host.replacen(':', "=", 1))).collect()
}

/// `1m30s`, as Compose writes durations.
pub(crate) fn shown(duration: Duration) -> String {
    let (seconds, millis) = (duration.as_secs(), duration.subsec_millis());
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 && minutes == 0 && rest == 0 && millis > 0 {
        return format!("{millis}ms");
    }
    let mut out = String::new();
    if hours > 0 {
        out.push_str(&format!("{hours}h"));
    }
    if hours > 0 || minutes > 0 {
        out.push_str(&format!("{minutes}m"));
    }
    let fraction =
        if millis > 0 { format!(".{}", format!("{millis:03}").trim_end_matches('0')) } else { String::new() };
    out.push_str(&format!("{rest}{fraction}s"));
    out
}
