//! One issuer URL everywhere: a relay owns the network namespace of each container that speaks to the provider or the IAM
//! and answers there on the very ports that the browser uses.
//!
//! The relay is the owner, not a guest: it is there before the program starts, and the program can be replaced without
//! losing addresses or published ports (`docs/decisions/0002-relay-owns-the-network-namespace.md`).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use crate::manifest::{Condition, ContainerOptions, EngineName, Manifest, Restart};
use crate::plan::builtin::{IAM, IDP, hardened};
use crate::plan::context::Context;
use crate::plan::service::GRACE;
use crate::plan::{ContainerSettings, Fingerprint, Hardening, PlannedService, Role, ServiceNetwork, Source, Stop};

/// Name of the relay of a service.
#[must_use]
pub fn relay_name(service: &str) -> String {
    format!("{service}-relay")
}

/// Whether a service names the issuer or the IAM anywhere: in its environment, command or configs.
pub(super) fn speaks_to_built_in(manifest: &Manifest, service: &PlannedService) -> bool {
    let ports = ports(manifest);
    let names = |text: &str| {
        ports
            .iter()
            .any(|(_, port)| text.contains(&format!("localhost:{port}")) || text.contains(&format!("127.0.0.1:{port}")))
    };
    service.environment.values().any(|value| names(value))
        || service.command.iter().any(|word| names(word))
        || service.files.iter().any(|file| std::str::from_utf8(&file.content).is_ok_and(names))
}

/// Puts a relay in front of each container that needs one.
pub(super) fn add(manifest: &Manifest, context: &Context, services: &mut BTreeMap<String, PlannedService>) {
    if context.engine != EngineName::Docker {
        return;
    }
    let mut relays = Vec::new();
    for service in services.values_mut() {
        let joins_networks = matches!(service.network, ServiceNetwork::Networks(_)) && !service.on_host();
        if service.role == Role::User && joins_networks && speaks_to_built_in(manifest, service) {
            let relay = relay(manifest, context, service);
            service.network = ServiceNetwork::SharedWith(relay.name.clone());
            service.depends_on.insert(relay.name.clone(), Condition::Started);
            give_away_network(service);
            relays.push(relay);
        }
    }
    services.extend(relays.into_iter().map(|relay| (relay.name.clone(), relay)));
}

/// What belongs to a network namespace belongs to the relay now; the engine refuses it of a guest.
fn give_away_network(service: &mut PlannedService) {
    let settings = &mut service.container;
    settings.hostname = None;
    settings.extra_hosts.clear();
    settings.attachments.clear();
    settings.links.clear();
    let options = &mut settings.options;
    options.domainname = None;
    options.mac_address = None;
    options.dns.clear();
    options.dns_opt.clear();
    options.dns_search.clear();
    options.sysctls.retain(|name, _| !of_network(name));
}

/// What [`give_away_network`] gives away, as the relay gets it.
fn network_options(options: &ContainerOptions) -> ContainerOptions {
    ContainerOptions {
        domainname: options.domainname.clone(),
        mac_address: options.mac_address.clone(),
        dns: options.dns.clone(),
        dns_opt: options.dns_opt.clone(),
        dns_search: options.dns_search.clone(),
        sysctls: options.sysctls.clone().into_iter().filter(|(name, _)| of_network(name)).collect(),
        ..ContainerOptions::default()
    }
}

/// Whether a kernel parameter belongs to a network namespace.
fn of_network(sysctl: &str) -> bool {
    sysctl.starts_with("net.")
}

fn relay(manifest: &Manifest, context: &Context, service: &PlannedService) -> PlannedService {
    let name = relay_name(&service.name);
    let forwards = ports(manifest).into_iter().map(|(target, port)| format!("{port}={target}:{port}"));
    PlannedService {
        role: Role::Relay { of: service.name.clone() },
        source: Source::Packaged { executable: context.executable.clone() },
        entrypoint: None,
        command: ["serve".to_owned(), "relay".to_owned()].into_iter().chain(forwards).collect(),
        environment: BTreeMap::new(),
        files: vec![],
        ports: service.ports.clone(),
        mounts: vec![],
        mounted: BTreeMap::new(),
        tmpfs: BTreeMap::new(),
        network: service.network.clone(),
        depends_on: BTreeMap::new(),
        readiness: None,
        restart: Restart::Always,
        stop: Stop { signal: "SIGTERM".into(), grace: GRACE },
        hardening: Hardening { pids_limit: Some(64), ..hardened() },
        container: ContainerSettings {
            name: format!("{}-{name}", context.project.id()),
            hostname: Some(service.container.hostname.clone().unwrap_or_else(|| service.name.clone())),
            extra_hosts: service.container.extra_hosts.clone(),
            attachments: service.container.attachments.clone(),
            links: service.container.links.clone(),
            options: network_options(&service.container.options),
            ..ContainerSettings::default()
        },
        fingerprint: Fingerprint::default(),
        name,
    }
}

fn ports(manifest: &Manifest) -> Vec<(&'static str, u16)> {
    let idp = manifest.idp.as_ref().map(|idp| (IDP, idp.port));
    idp.into_iter().chain(manifest.iam.as_ref().map(|iam| (IAM, iam.port))).collect()
}
