//! What can only be judged across sections: names that are used but not there, cycles, ports asked for twice.
//!
//! Must not know how a service is resolved for an engine beyond what an override replaces.

mod graph;
mod host_ports;
mod people;
mod services;

use super::decode::Context;
use super::model::{EngineName, Manifest, Service};
use super::tree::Node;

pub(super) fn check(context: &mut Context<'_>, manifest: &Manifest, root: &Node) {
    let place = Place { manifest, root };
    people::check(context, &place);
    for (name, service) in &manifest.services {
        services::check(context, &place, name, service);
    }
    graph::check(context, &place);
    host_ports::check(context, &place);
}

/// What is checked, and where it is written.
struct Place<'m> {
    manifest: &'m Manifest,
    root: &'m Node,
}

const ENGINES: [EngineName; 2] = [EngineName::Docker, EngineName::Embedded];

fn exists_on(service: &Service, engine: EngineName) -> bool {
    service.engines.as_ref().is_none_or(|engines| engines.contains(&engine))
}

fn overrides(service: &Service, engine: EngineName) -> Option<&Service> {
    match engine {
        EngineName::Docker => service.docker.as_deref(),
        EngineName::Embedded => service.embedded.as_deref(),
    }
}

fn engine_key(engine: EngineName) -> &'static str {
    match engine {
        EngineName::Docker => "docker",
        EngineName::Embedded => "embedded",
    }
}
