//! The ports of a work tree of its own: those of the manifest, all moved by the same distance. Pure.
//!
//! Must not know why they are moved, nor which ports are free.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use crate::manifest::{Binary, Command, Manifest, Readiness, ReadinessTest, Service};

/// Settings of a client that are addresses of the team's own services.
const ADDRESSES: [&str; 3] = ["post_logout_redirect_uris", "backchannel_logout_uri", "frontchannel_logout_uri"];

/// The port of this machine that stands for a port of the manifest.
#[must_use]
pub fn moved(port: u16, distance: u16) -> u16 {
    port.checked_add(distance).unwrap_or_else(|| port.saturating_sub(distance))
}

/// The ports of this machine that a manifest names, whichever engine it runs on.
#[must_use]
pub fn named_ports(manifest: &Manifest) -> BTreeSet<u16> {
    let parts = |service: &Service| {
        let over = [&service.docker, &service.embedded].into_iter().flatten().map(|part| (**part).clone());
        std::iter::once(service.clone()).chain(over).collect::<Vec<_>>()
    };
    let parts: Vec<Service> = manifest.services.values().flat_map(parts).collect();
    let of_services = parts.iter().flat_map(|service| {
        // A process listens on the target itself.
        let on_host = service.binary.is_some() || service.run.is_some();
        service.ports.iter().flat_map(move |port| [port.published, on_host.then_some(port.target)])
    });
    let built_in = [manifest.idp.as_ref().map(|idp| idp.port), manifest.iam.as_ref().map(|iam| iam.port)];
    of_services.chain(built_in).flatten().collect()
}

/// Moves every port of this machine that a manifest names, and the addresses of clients that hold one.
pub fn move_ports(manifest: &mut Manifest, distance: u16, instance: &str) {
    if distance == 0 {
        return;
    }
    let known = named_ports(manifest);
    manifest.ports_moved_by = distance;
    manifest.idp.iter_mut().for_each(|idp| idp.port = moved(idp.port, distance));
    manifest.iam.iter_mut().for_each(|iam| iam.port = moved(iam.port, distance));
    for service in manifest.services.values_mut() {
        let Service { docker, embedded, .. } = service;
        let over = [docker, embedded].into_iter().flatten();
        over.for_each(|part| move_service(part, distance, instance));
        move_service(service, distance, instance);
    }
    for client in manifest.identity.clients.values_mut() {
        for uri in &mut client.redirect_uris {
            *uri = moved_address(uri, distance, &known);
        }
        for (_, value) in client.settings.iter_mut().filter(|(key, _)| ADDRESSES.contains(&key.as_str())) {
            move_addresses(value, distance, &known);
        }
    }
}

/// A name of a container is there once on an engine, so it gets the work tree's mark.
fn move_service(service: &mut Service, distance: u16, instance: &str) {
    for port in &mut service.ports {
        port.published = port.published.map(|port| moved(port, distance));
    }
    if let Some(name) = &mut service.container_name {
        *name = format!("{name}-{instance}");
    }
}

fn move_addresses(value: &mut serde_json::Value, distance: u16, known: &BTreeSet<u16>) {
    match value {
        serde_json::Value::String(text) => *text = moved_address(text, distance, known),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| move_addresses(item, distance, known)),
        _ => {}
    }
}

/// `http://localhost:8080/callback` with the port of this work tree; any other address as it is.
fn moved_address(address: &str, distance: u16, known: &BTreeSet<u16>) -> String {
    let Ok(mut url) = url::Url::parse(address) else { return address.to_owned() };
    let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match url.port().filter(|port| here && known.contains(port)) {
        Some(port) if url.set_port(Some(moved(port, distance))).is_ok() => {
            // A redirect URI is compared letter by letter (RFC 6749 §3.1.2.3): no slash is added at the end.
            let text = url.to_string();
            if address.ends_with('/') { text } else { text.strip_suffix('/').map_or(text.clone(), str::to_owned) }
        }
        _ => address.to_owned(),
    }
}

/// The readiness test of a process, whose ports are the machine's.
pub(super) fn readiness_on_host(service: &Service, distance: u16) -> Option<Readiness> {
    let mut readiness = service.ready.clone()?;
    let moved =
        |port: u16| if service.ports.iter().any(|own| own.target == port) { moved(port, distance) } else { port };
    match &mut readiness.test {
        ReadinessTest::Http { port: Some(port), .. } | ReadinessTest::Tcp { port } => *port = moved(*port),
        ReadinessTest::Http { port: None, .. }
        | ReadinessTest::Log { .. }
        | ReadinessTest::Exec { .. }
        | ReadinessTest::Shell { .. } => {}
    }
    Some(readiness)
}

/// Whether a process is told its port by a variable, so that it can have another one.
#[must_use]
pub fn is_told_its_port(service: &Service, name: &str) -> bool {
    let name = super::variables::upper(name);
    let told = |text: &str| {
        ["DEVENV_PORT_", "DEVENV_URL_"].iter().any(|prefix| text.contains(&format!("${{{prefix}{name}}}")))
    };
    let words = |command: &Option<Command>| match command {
        Some(Command::Line(line)) => told(line),
        Some(Command::Words(words)) => words.iter().any(|word| told(word)),
        None => false,
    };
    let binary = matches!(&service.binary, Some(Binary::Cargo { .. } | Binary::Path { .. }));
    service.environment.values().any(|value| told(value))
        || words(&service.run)
        || (binary && (words(&service.command) || words(&service.entrypoint)))
        // What a mounted configuration says cannot be told from here.
        || !service.configs.is_empty()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::manifest::{NoFiles, SourceFile, Sources, load};

    fn manifest(text: &str) -> Manifest {
        let file = SourceFile { path: "devenv.yaml".into(), text: text.into() };
        let variables = BTreeMap::new();
        load(&Sources { file: &file, overrides: &[], files: &NoFiles, variables: &variables }).unwrap().value
    }

    const STACK: &str = "
identity:
  clients:
    web: { type: public, redirect_uris: [\"http://localhost:8080/callback\", \"http://localhost:1/x\", \"http://127.0.0.1:8080\", \"https://example.com:8080/x\"],
           post_logout_redirect_uris: [\"http://localhost:8080/\"] }
idp: { port: 9400 }
iam: { port: 9410 }
services:
  api: { binary: { cargo: api }, ports: [\"8080:8080\"], docker: { ports: [\"8081:80\", \"90\"] } }
  db: { image: x, ports: [\"5432:5432\"], container_name: db }
";

    #[test]
    fn every_port_of_the_machine_moves_and_those_inside_containers_stay() {
        let mut stack = manifest(STACK);
        assert_eq!(named_ports(&stack), [5432, 8080, 8081, 9400, 9410].into());
        move_ports(&mut stack, 10_000, "0a1b");
        assert_eq!((stack.idp.unwrap().port, stack.iam.unwrap().port), (19_400, 19_410));
        let api = &stack.services["api"];
        let ports = |service: &Service| service.ports.iter().map(|p| (p.published, p.target)).collect::<Vec<_>>();
        assert_eq!(ports(api), [(Some(18_080), 8080)]);
        assert_eq!(ports(api.docker.as_ref().unwrap()), [(Some(18_081), 80), (None, 90)]);
        assert_eq!(ports(&stack.services["db"]), [(Some(15_432), 5432)]);
        assert_eq!(stack.services["db"].container_name.as_deref(), Some("db-0a1b"));
    }

    #[test]
    fn addresses_of_clients_move_with_the_services_they_name() {
        let mut stack = manifest(STACK);
        move_ports(&mut stack, 100, "0a1b");
        let web = &stack.identity.clients["web"];
        assert_eq!(
            web.redirect_uris,
            [
                "http://localhost:8180/callback",
                "http://localhost:1/x",
                "http://127.0.0.1:8180",
                "https://example.com:8080/x"
            ]
        );
        assert_eq!(web.settings["post_logout_redirect_uris"][0], "http://localhost:8180/");
    }

    #[test]
    fn nothing_moves_by_nothing_and_no_port_leaves_the_range() {
        let mut stack = manifest(STACK);
        move_ports(&mut stack, 0, "0a1b");
        assert_eq!(stack, manifest(STACK));
        assert_eq!(moved(60_000, 10_000), 50_000);
    }

    #[test]
    fn a_process_with_its_port_written_out_is_not_told_it() {
        let of = |text: &str| is_told_its_port(&manifest(text).services["a"], "a");
        assert!(!of("services: { a: { run: serve 8080, ports: [8080] } }"));
        assert!(of("services: { a: { run: \"serve ${DEVENV_PORT_A}\", ports: [8080] } }"));
        assert!(of("services: { a: { run: serve, ports: [8080], environment: { PORT: \"${DEVENV_PORT_A}\" } } }"));
    }
}
