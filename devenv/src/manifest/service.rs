//! One service of `services:`: which key is read by whom.

use super::decode::{Context, Fields, Part};
use super::model::{Condition, EngineName, PullPolicy, Restart, Service};
use super::scalars::is_name;
use super::tree::{Node, Value};
use super::{attachments, container, keys, ports, process, readiness};

const ENGINES: &[(&str, EngineName)] = &[("docker", EngineName::Docker), ("embedded", EngineName::Embedded)];
const CONDITIONS: &[(&str, Condition)] = &[
    ("service_started", Condition::Started),
    ("service_healthy", Condition::Healthy),
    ("service_completed_successfully", Condition::Completed),
];
const PULL_POLICIES: &[(&str, PullPolicy)] = &[
    ("missing", PullPolicy::Missing),
    ("if_not_present", PullPolicy::Missing),
    ("never", PullPolicy::Never),
    ("always", PullPolicy::Always),
    ("build", PullPolicy::Build),
];

pub(super) fn read(context: &mut Context<'_>, name: &str, node: &Node) -> Option<Service> {
    context.service = Some(name.to_owned());
    let service = part(context, name, node, Part::Base);
    context.service = None;
    service
}

fn part(context: &mut Context<'_>, name: &str, node: &Node, part: Part) -> Option<Service> {
    let mut fields = Fields::of(context, node, &described(name, part))?.with_unsupported(keys::SERVICE);
    let mut service = Service::default();
    source(context, &mut fields, &mut service);
    process(context, &mut fields, &mut service);
    attachments(context, &mut fields, &mut service);
    if let Some(node) = fields.take("ports") {
        service.ports = ports::ports(context, node, name, part);
    }
    security(context, &mut fields, &mut service);
    container::read(context, &mut fields, &mut service);
    lifecycle(context, &mut fields, &mut service);
    if part == Part::Base {
        engines(context, &mut fields, &mut service, name);
    }
    fields.finish(context);
    Some(service)
}

fn described(name: &str, part: Part) -> String {
    match part {
        Part::Base => format!("the service `{name}`"),
        Part::Docker => format!("`docker` of `{name}`"),
        Part::Embedded => format!("`embedded` of `{name}`"),
    }
}

fn source(context: &mut Context<'_>, fields: &mut Fields<'_>, service: &mut Service) {
    service.image = fields.take("image").and_then(|node| context.word(node));
    service.build = fields.take("build").and_then(|node| process::build(context, node));
    service.binary = fields.take("binary").and_then(|node| process::binary(context, node));
    service.run = fields.take("run").and_then(|node| process::command(context, node));
    service.pull_policy = fields.take("pull_policy").and_then(|node| context.choice(node, PULL_POLICIES));
    service.platform = fields.take("platform").and_then(|node| context.word(node));
}

fn process(context: &mut Context<'_>, fields: &mut Fields<'_>, service: &mut Service) {
    service.command = fields.take("command").and_then(|node| process::command(context, node));
    service.entrypoint = fields.take("entrypoint").and_then(|node| process::command(context, node));
    if let Some(node) = fields.take("env_file") {
        service.environment = process::env_files(context, node);
    }
    if let Some(node) = fields.take("environment") {
        service.environment.extend(process::environment(context, node));
    }
    if let Some(node) = fields.take("labels") {
        service.labels = process::labels(context, node);
    }
    service.user = fields.take("user").and_then(|node| context.word(node));
    service.working_dir = fields.take("working_dir").and_then(|node| context.word(node));
    service.hostname = fields.take("hostname").and_then(|node| context.word(node));
    service.container_name = fields.take("container_name").and_then(|node| context.word(node));
    service.tty = fields.take("tty").and_then(|node| context.boolean(node));
    service.stdin_open = fields.take("stdin_open").and_then(|node| context.boolean(node));
    service.init = fields.take("init").and_then(|node| context.boolean(node));
}

fn attachments(context: &mut Context<'_>, fields: &mut Fields<'_>, service: &mut Service) {
    if let Some(node) = fields.take("expose") {
        service.expose = ports::expose(context, node);
    }
    if let Some(node) = fields.take("volumes") {
        attachments::volumes(context, node, service);
    }
    if let Some(node) = fields.take("tmpfs") {
        service.tmpfs.extend(context.one_or_list(node, attachments::tmpfs));
    }
    if let Some(node) = fields.take("secrets") {
        service.secrets = context.list(node, attachments::file_reference);
    }
    if let Some(node) = fields.take("configs") {
        service.configs = context.list(node, attachments::file_reference);
    }
    if let Some(node) = fields.take("networks") {
        (service.networks, service.attachments) = container::networks(context, node);
    }
    if let Some(node) = fields.take("links") {
        service.links = context.list(node, container::link);
    }
    if let Some(node) = fields.take("external_links") {
        service.external_links = context.list(node, container::link);
    }
    service.network_mode = fields.take("network_mode").and_then(|node| context.word(node));
    if service.network_mode.is_some() && !service.networks.is_empty() {
        context.error(fields.position("network_mode"), "`network_mode` and `networks` exclude each other");
    }
    if let Some(node) = fields.take("extra_hosts") {
        service.extra_hosts = attachments::extra_hosts(context, node);
    }
}

fn security(context: &mut Context<'_>, fields: &mut Fields<'_>, service: &mut Service) {
    let mut words = |key, context: &mut Context<'_>| -> Vec<String> {
        fields.take(key).map(|node| context.list(node, Context::word)).unwrap_or_default()
    };
    service.cap_add = words("cap_add", context);
    service.cap_drop = words("cap_drop", context);
    service.security_opt = words("security_opt", context);
    service.read_only = fields.take("read_only").and_then(|node| context.boolean(node));
    service.privileged = fields.take("privileged").and_then(|node| context.boolean(node));
    service.pids_limit = fields.take("pids_limit").and_then(|node| context.number(node));
    service.mem_limit = fields.take("mem_limit").and_then(|node| context.bytes(node));
    service.shm_size = fields.take("shm_size").and_then(|node| context.bytes(node));
}

fn lifecycle(context: &mut Context<'_>, fields: &mut Fields<'_>, service: &mut Service) {
    if let Some(node) = fields.take("depends_on") {
        depends_on(context, node, service);
    }
    // A link is a dependency that has another name.
    for (other, _) in &service.links {
        service.depends_on.entry(other.clone()).or_default();
    }
    if let Some(node) = fields.take("develop") {
        service.watch = process::develop(context, node);
    }
    service.ready = fields.take("ready").and_then(|node| readiness::ready(context, node));
    if let Some(node) = fields.take("healthcheck") {
        let (healthcheck, written) = readiness::healthcheck(context, node);
        service.healthcheck = written;
        if healthcheck.is_some() && service.ready.is_some() {
            context.error(fields.position("healthcheck"), "`ready` and `healthcheck` exclude each other");
        }
        service.ready = service.ready.take().or(healthcheck);
    }
    service.restart = fields.take("restart").and_then(|node| restart(context, node));
    service.stop_signal = fields.take("stop_signal").and_then(|node| context.word(node));
    service.stop_grace_period = fields.take("stop_grace_period").and_then(|node| context.duration(node));
    service.profiles = fields.take("profiles").map(|node| context.list(node, profile)).unwrap_or_default();
}

fn engines(context: &mut Context<'_>, fields: &mut Fields<'_>, service: &mut Service, name: &str) {
    if let Some(node) = fields.take("engines") {
        let engines = context.one_or_list(node, |context, node| context.choice(node, ENGINES));
        if matches!(&node.value, Value::List(items) if items.is_empty()) {
            context.error(node.position, format!("`{name}` exists on no engine"));
        }
        service.engines = Some(engines);
    }
    service.docker = fields.take("docker").and_then(|node| part(context, name, node, Part::Docker)).map(Box::new);
    service.embedded = fields.take("embedded").and_then(|node| part(context, name, node, Part::Embedded)).map(Box::new);
}

fn depends_on(context: &mut Context<'_>, node: &Node, service: &mut Service) {
    let Value::Map(entries) = &node.value else {
        let names = context.list(node, Context::word);
        service.depends_on.extend(names.into_iter().map(|name| (name, Condition::Started)));
        return;
    };
    for entry in entries.iter().filter(|entry| !super::decode::is_extension(&entry.key)) {
        let (condition, required) = dependency(context, &entry.value).unwrap_or((None, true));
        service.depends_on.insert(entry.key.clone(), condition.unwrap_or_default());
        if !required {
            service.optional.insert(entry.key.clone());
        }
    }
}

/// The condition, and whether the service must be there.
fn dependency(context: &mut Context<'_>, node: &Node) -> Option<(Option<Condition>, bool)> {
    if node.is_null() {
        return None;
    }
    let mut fields = Fields::of(context, node, "a dependency")?;
    let condition = fields.take("condition").and_then(|node| context.choice(node, CONDITIONS));
    let required = fields.take("required").and_then(|node| context.boolean(node)).unwrap_or(true);
    // A replaced service replaces what shares its network; nothing else has to start again with it here.
    if let Some(node) = fields.take("restart")
        && context.boolean(node) == Some(true)
    {
        let message = "`restart: true` has no effect: dependants find a replaced service by its name".to_owned();
        context.report.warning(node.position, message);
    }
    fields.finish(context);
    Some((condition, required))
}

fn restart(context: &mut Context<'_>, node: &Node) -> Option<Restart> {
    let text = context.text(node)?;
    let attempts = text.strip_prefix("on-failure:").map(str::parse);
    match (text.as_str(), attempts) {
        (_, Some(Ok(attempts))) => Some(Restart::OnFailure { attempts }),
        ("on-failure", _) => Some(Restart::OnFailure { attempts: 0 }),
        ("always", _) => Some(Restart::Always),
        ("unless-stopped", _) => Some(Restart::UnlessStopped),
        // YAML 1.1 reads `no` without quotes as false; people write both.
        ("no" | "false", _) => Some(Restart::No),
        _ => {
            let words = ["no", "always", "on-failure", "unless-stopped"];
            let help = context.report.did_you_mean(&text, words);
            let message = format!("expected {} or `on-failure:3`, found `{text}`", super::decode::one_of(&words));
            context.error_with_help(node.position, message, help);
            None
        }
    }
}

fn profile(context: &mut Context<'_>, node: &Node) -> Option<String> {
    let text = context.word(node)?;
    if !is_name(&text) {
        context.error(node.position, format!("`{text}` is not a valid name of a profile"));
        return None;
    }
    Some(text)
}
