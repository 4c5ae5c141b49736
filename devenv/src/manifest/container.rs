//! Reads the keys of [`ContainerOptions`], of `deploy` and of a service's `networks`.

use std::collections::BTreeMap;

use super::decode::{Context, Fields};
use super::keys;
use super::model::Service;
use super::options::{Attachment, ContainerOptions, Device, DeviceRequest, Logging, Ulimit};
use super::process;
use super::scalars;
use super::tree::{Node, Value};

pub(super) fn read(context: &mut Context<'_>, fields: &mut Fields<'_>, service: &mut Service) {
    let options = &mut service.options;
    words(context, fields, options);
    numbers(context, fields, options);
    pairs(context, fields, options);
    lists(context, fields, options);
    if let Some(node) = fields.take("deploy") {
        deploy(context, node, service);
    }
    if let Some(node) = fields.take("scale") {
        replicas(context, node, "scale");
    }
}

fn words(context: &mut Context<'_>, fields: &mut Fields<'_>, options: &mut ContainerOptions) {
    let mut word = |key| fields.take(key).and_then(|node| context.word(node));
    options.cgroup = word("cgroup");
    options.cgroup_parent = word("cgroup_parent");
    options.cpuset = word("cpuset");
    options.domainname = word("domainname");
    options.ipc = word("ipc");
    options.mac_address = word("mac_address");
    options.pid = word("pid");
    options.runtime = word("runtime");
    options.userns_mode = word("userns_mode");
    options.uts = word("uts");
}

fn numbers(context: &mut Context<'_>, fields: &mut Fields<'_>, options: &mut ContainerOptions) {
    options.cpu_period = fields.take("cpu_period").and_then(|node| microseconds(context, node));
    options.cpu_quota = fields.take("cpu_quota").and_then(|node| microseconds(context, node));
    options.cpu_shares = fields.take("cpu_shares").and_then(|node| context.number(node));
    options.nano_cpus = fields.take("cpus").and_then(|node| nano_cpus(context, node));
    options.mem_reservation = fields.take("mem_reservation").and_then(|node| context.bytes(node));
    options.mem_swappiness = fields.take("mem_swappiness").and_then(|node| context.number(node));
    options.memswap_limit = fields.take("memswap_limit").and_then(|node| match context.literal(node, &["-1"]) {
        true => Some(-1),
        false => context.bytes(node).and_then(|bytes| i64::try_from(bytes).ok()),
    });
    options.oom_kill_disable = fields.take("oom_kill_disable").and_then(|node| context.boolean(node));
    options.oom_score_adj = fields.take("oom_score_adj").and_then(|node| context.number(node));
}

fn pairs(context: &mut Context<'_>, fields: &mut Fields<'_>, options: &mut ContainerOptions) {
    let mut pairs = |key| fields.take(key).map(|node| process::labels(context, node)).unwrap_or_default();
    options.annotations = pairs("annotations");
    options.storage_opt = pairs("storage_opt");
    options.sysctls = pairs("sysctls");
    if let Some(node) = fields.take("ulimits") {
        options.ulimits = context.named(node, |context, entry| ulimit(context, &entry.value));
    }
}

fn lists(context: &mut Context<'_>, fields: &mut Fields<'_>, options: &mut ContainerOptions) {
    let mut words = |key| fields.take(key).map(|node| context.one_or_list(node, Context::word)).unwrap_or_default();
    options.device_cgroup_rules = words("device_cgroup_rules");
    options.dns = words("dns");
    options.dns_opt = words("dns_opt");
    options.dns_search = words("dns_search");
    options.group_add = words("group_add");
    options.volumes_from = words("volumes_from");
    options.devices = fields.take("devices").map(|node| context.list(node, device)).unwrap_or_default();
    options.device_requests = fields.take("gpus").map(|node| gpus(context, node)).unwrap_or_default();
    options.logging = fields.take("logging").and_then(|node| logging(context, node));
}

/// `50000` or `50ms`.
fn microseconds(context: &mut Context<'_>, node: &Node) -> Option<i64> {
    if let Some(Ok(number)) = node.text().map(str::parse) {
        return Some(number);
    }
    context.duration(node).and_then(|duration| i64::try_from(duration.as_micros()).ok())
}

fn nano_cpus(context: &mut Context<'_>, node: &Node) -> Option<i64> {
    let cpus: f64 = context.number(node)?;
    if !(cpus > 0.0 && cpus < 1e6) {
        context.error(node.position, "expected a number of processors such as `0.5`");
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "in range by the check above")]
    Some((cpus * 1e9).round() as i64)
}

fn ulimit(context: &mut Context<'_>, node: &Node) -> Option<Ulimit> {
    if let Value::Scalar(_) = node.value {
        return context.number(node).map(|limit| Ulimit { soft: limit, hard: limit });
    }
    let mut fields = Fields::of(context, node, "a limit")?;
    let soft = fields.require(context, "soft", node.position).and_then(|node| context.number(node));
    let hard = fields.require(context, "hard", node.position).and_then(|node| context.number(node));
    fields.finish(context);
    Some(Ulimit { soft: soft?, hard: hard? })
}

/// `SOURCE[:TARGET[:rwm]]` or a mapping.
fn device(context: &mut Context<'_>, node: &Node) -> Option<Device> {
    const ALL: &str = "rwm";
    if let Value::Map(_) = node.value {
        let mut fields = Fields::of(context, node, "a device")?;
        let source = fields.require(context, "source", node.position).and_then(|node| context.word(node));
        let target = fields.take("target").and_then(|node| context.word(node));
        let permissions = fields.take("permissions").and_then(|node| context.word(node));
        fields.finish(context);
        let source = source?;
        let target = target.unwrap_or_else(|| source.clone());
        return Some(Device { source, target, permissions: permissions.unwrap_or_else(|| ALL.to_owned()) });
    }
    let text = context.word(node)?;
    let mut parts = text.split(':');
    let source = parts.next().unwrap_or_default().to_owned();
    let target = parts.next().filter(|part| !part.is_empty()).map_or_else(|| source.clone(), str::to_owned);
    let permissions = parts.next().unwrap_or(ALL).to_owned();
    Some(Device { source, target, permissions })
}

/// `all` or a list of requests.
fn gpus(context: &mut Context<'_>, node: &Node) -> Vec<DeviceRequest> {
    if let Value::Scalar(_) = node.value {
        if !context.literal(node, &["all"]) {
            context.error(node.position, "expected `all` or a list of requests");
        }
        return vec![DeviceRequest {
            count: Some(-1),
            capabilities: vec!["gpu".to_owned()],
            ..DeviceRequest::default()
        }];
    }
    let mut requests = context.list(node, device_request);
    for request in &mut requests {
        if request.capabilities.is_empty() {
            request.capabilities.push("gpu".to_owned());
        }
    }
    requests
}

fn device_request(context: &mut Context<'_>, node: &Node) -> Option<DeviceRequest> {
    let mut fields = Fields::of(context, node, "a device request")?;
    let count = fields.take("count").and_then(|node| match context.literal(node, &["all"]) {
        true => Some(-1),
        false => context.number(node),
    });
    let mut words = |key, context: &mut Context<'_>| -> Vec<String> {
        fields.take(key).map(|node| context.list(node, Context::word)).unwrap_or_default()
    };
    let device_ids = words("device_ids", context);
    let capabilities = words("capabilities", context);
    let driver = fields.take("driver").and_then(|node| context.word(node));
    let options = fields.take("options").map(|node| process::labels(context, node)).unwrap_or_default();
    fields.finish(context);
    Some(DeviceRequest { driver, count, device_ids, capabilities, options })
}

fn logging(context: &mut Context<'_>, node: &Node) -> Option<Logging> {
    let mut fields = Fields::of(context, node, "`logging`")?;
    let driver = fields.take("driver").and_then(|node| context.word(node));
    let options = fields.take("options").map(|node| process::labels(context, node)).unwrap_or_default();
    fields.finish(context);
    Some(Logging { driver, options })
}

/// The part of `deploy` that one machine can honour: resources, the number of replicas, the restart condition.
fn deploy(context: &mut Context<'_>, node: &Node, service: &mut Service) {
    let Some(mut fields) = Fields::of(context, node, "`deploy`") else { return };
    if let Some(node) = fields.take("replicas") {
        replicas(context, node, "replicas");
    }
    if let Some(node) = fields.take("resources") {
        resources(context, node, service);
    }
    if let Some(node) = fields.take("restart_policy") {
        restart_policy(context, node, service);
    }
    for key in keys::SWARM {
        if let Some(node) = fields.take(key) {
            let message = format!("`deploy.{key}` has no effect outside of a swarm");
            context.report.warning(node.position, message);
        }
    }
    fields.finish(context);
}

fn resources(context: &mut Context<'_>, node: &Node, service: &mut Service) {
    let Some(mut fields) = Fields::of(context, node, "`resources`") else { return };
    if let Some(node) = fields.take("limits")
        && let Some(mut limits) = Fields::of(context, node, "`limits`")
    {
        let cpus = limits.take("cpus").and_then(|node| nano_cpus(context, node));
        let memory = limits.take("memory").and_then(|node| context.bytes(node));
        let pids = limits.take("pids").and_then(|node| context.number(node));
        limits.finish(context);
        service.options.nano_cpus = service.options.nano_cpus.or(cpus);
        service.mem_limit = service.mem_limit.or(memory);
        service.pids_limit = service.pids_limit.or(pids);
    }
    if let Some(node) = fields.take("reservations")
        && let Some(mut reserved) = Fields::of(context, node, "`reservations`")
    {
        if let Some(node) = reserved.take("cpus") {
            context.report.warning(node.position, "processors are not reserved outside of a swarm".to_owned());
        }
        let memory = reserved.take("memory").and_then(|node| context.bytes(node));
        service.options.mem_reservation = service.options.mem_reservation.or(memory);
        if let Some(node) = reserved.take("devices") {
            service.options.device_requests.extend(context.list(node, device_request));
        }
        reserved.finish(context);
    }
    fields.finish(context);
}

fn restart_policy(context: &mut Context<'_>, node: &Node, service: &mut Service) {
    use super::model::Restart;
    const CONDITIONS: &[(&str, u8)] = &[("none", 0), ("on-failure", 1), ("any", 2)];
    let Some(mut fields) = Fields::of(context, node, "`restart_policy`") else { return };
    let condition = fields.take("condition").map_or(Some(2), |node| context.choice(node, CONDITIONS));
    let attempts = fields.take("max_attempts").and_then(|node| context.number(node)).unwrap_or_default();
    for key in ["delay", "window"] {
        if let Some(node) = fields.take(key) {
            context.report.warning(node.position, format!("`{key}` has no effect outside of a swarm"));
        }
    }
    fields.finish(context);
    let restart = match condition {
        Some(0) => Restart::No,
        Some(1) => Restart::OnFailure { attempts },
        _ => Restart::Always,
    };
    service.restart = service.restart.or(Some(restart));
}

/// Several containers of one service would share its published ports, its name and its data: one is what runs here.
fn replicas(context: &mut Context<'_>, node: &Node, key: &str) {
    if let Some(count) = context.number::<u32>(node)
        && count != 1
    {
        let help = "write the service once for each, with `extends:`".to_owned();
        context.error_with_help(node.position, format!("`{key}: {count}` is not supported: one runs"), help);
    }
}

/// A list of names, or a mapping from name to how the service is known there; by descending priority.
pub(super) fn networks(context: &mut Context<'_>, node: &Node) -> (Vec<String>, BTreeMap<String, Attachment>) {
    let Value::Map(entries) = &node.value else { return (context.list(node, Context::word), BTreeMap::new()) };
    let mut names: Vec<String> = entries.iter().map(|entry| entry.key.clone()).collect();
    let mut attachments = BTreeMap::new();
    for entry in entries.iter().filter(|entry| !entry.value.is_null()) {
        if let Some(attachment) = attachment(context, &entry.value) {
            attachments.insert(entry.key.clone(), attachment);
        }
    }
    let priority = |name: &String| attachments.get(name).map_or(0, |attachment: &Attachment| attachment.priority);
    names.sort_by_key(|name| std::cmp::Reverse(priority(name)));
    (names, attachments)
}

fn attachment(context: &mut Context<'_>, node: &Node) -> Option<Attachment> {
    let mut fields = Fields::of(context, node, "a network")?.with_unsupported(keys::SERVICE_NETWORK);
    let mut word = |key, context: &mut Context<'_>| fields.take(key).and_then(|node| context.word(node));
    let (ipv4, ipv6) = (word("ipv4_address", context), word("ipv6_address", context));
    let mac_address = word("mac_address", context);
    let mut words = |key, context: &mut Context<'_>| -> Vec<String> {
        fields.take(key).map(|node| context.list(node, Context::word)).unwrap_or_default()
    };
    let (aliases, link_local) = (words("aliases", context), words("link_local_ips", context));
    let driver_opts = fields.take("driver_opts").map(|node| process::labels(context, node)).unwrap_or_default();
    let priority = fields.take("priority").and_then(|node| context.number(node)).unwrap_or_default();
    fields.finish(context);
    Some(Attachment { aliases, ipv4, ipv6, link_local, mac_address, driver_opts, priority })
}

/// `links:` entries as service and the names under which it is known.
pub(super) fn link(context: &mut Context<'_>, node: &Node) -> Option<(String, String)> {
    let text = context.word(node)?;
    let (service, alias) = text.split_once(':').unwrap_or((&text, &text));
    if !scalars::is_name(service) || alias.is_empty() {
        context.error(node.position, format!("`{text}` is not `SERVICE` or `SERVICE:ALIAS`"));
        return None;
    }
    Some((service.to_owned(), alias.to_owned()))
}
