//! Create requests, without an engine.

use super::spec::{Circumstances, Spec, spec};
use super::*;
use crate::plan::{DeliveredFile, PublishedPort};

fn requested(service: &PlannedService, api: (u32, u32)) -> Spec {
    let project = Project { name: "x".into(), instance: "00000000".into(), directory: "/x".into(), state: "/x".into() };
    let mut plan = empty_plan(project);
    for key in ["front", "back"] {
        let network = PlannedNetwork { name: format!("x_{key}"), ..Default::default() };
        plan.networks.insert(key.into(), network);
    }
    spec(&plan, service, &Circumstances { image: "i", namespace_of: Some("0123"), api })
}

fn service() -> PlannedService {
    let source = Source::Image { reference: "i".into(), pull: crate::manifest::PullPolicy::Never };
    planned_service("api", source, "x-api".into())
}

#[test]
fn networks_beyond_the_first_are_connected_later_where_the_engine_takes_one_only() {
    let mut service = service();
    service.network = ServiceNetwork::Networks(vec!["front".into(), "back".into()]);
    let connected = |spec: &Spec| spec.body.networking_config.clone().unwrap().endpoints_config.unwrap().len();
    let old = requested(&service, (1, 41));
    assert_eq!((connected(&old), old.connect_later.as_slice()), (1, &["x_back".to_owned()][..]));
    assert_eq!(old.body.host_config.unwrap().network_mode.as_deref(), Some("x_front"));
    let new = requested(&service, (1, 44));
    assert_eq!((connected(&new), new.connect_later.len()), (2, 0));
}

#[test]
fn a_guest_in_anothers_network_has_neither_ports_nor_a_host_name() {
    let mut service = service();
    service.network = ServiceNetwork::SharedWith("api-relay".into());
    service.container.hostname = Some("orders".into());
    service.ports = vec![PublishedPort { host_ip: "127.0.0.1".into(), host: 80, target: 80, udp: false }];
    let body = requested(&service, (1, 44)).body;
    let host = body.host_config.unwrap();
    assert_eq!(host.network_mode.as_deref(), Some("container:0123"));
    assert_eq!((body.hostname, host.port_bindings.unwrap().len(), body.networking_config), (None, 0, None));
}

#[test]
fn a_relay_is_known_by_the_name_of_its_service() {
    let mut service = service();
    service.role = Role::Relay { of: "orders".into() };
    service.network = ServiceNetwork::Networks(vec!["front".into()]);
    let networking = requested(&service, (1, 41)).body.networking_config.unwrap().endpoints_config.unwrap();
    assert!(networking["x_front"].aliases.as_ref().unwrap().contains(&"orders".to_owned()));
}

#[test]
fn delivered_files_get_a_volume_under_a_read_only_root_and_it_replaces_a_file_system_that_would_hide_them() {
    let mut service = service();
    service.tmpfs = BTreeMap::from([("/run/secrets/".into(), String::new()), ("/tmp".into(), String::new())]);
    let file = |path: &str| DeliveredFile { path: path.into(), content: b"s3cr3t".to_vec(), mode: 0o400 };
    service.files = vec![file("/run/secrets/a"), file("/run/secrets/deep/b"), file("/etc/x/c")];
    let body = requested(&service, (1, 41)).body;
    assert!(!serde_json::to_string(&body).unwrap().contains("s3cr3t"));
    let host = body.host_config.unwrap();
    let targets: Vec<String> = host.mounts.unwrap().into_iter().filter_map(|mount| mount.target).collect();
    assert_eq!(targets, ["/etc/x", "/run/secrets"]);
    assert_eq!(host.tmpfs.unwrap().into_keys().collect::<Vec<_>>(), ["/tmp"]);
    service.hardening.read_only = false;
    assert_eq!(requested(&service, (1, 41)).body.host_config.unwrap().mounts, Some(vec![]));
}
