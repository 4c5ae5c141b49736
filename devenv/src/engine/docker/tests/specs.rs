//! Create requests, without an engine.

use super::spec::{Circumstances, Spec, spec};
use super::*;
use crate::engine::docker::resources::{network_request, volume_request};
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
    let later: Vec<&str> = old.connect_later.iter().map(|(network, _)| network.as_str()).collect();
    assert_eq!((connected(&old), later), (1, vec!["x_back"]));
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

#[test]
fn every_container_option_of_a_compose_file_reaches_the_engine() {
    let text = "name: x\nservices:\n  db: { image: y, container_name: the-db }\n  api:\n    image: i\n    cgroup: host\n    cgroup_parent: /p\n    \
        cpu_period: 1000\n    cpu_quota: 2000\n    cpu_shares: 3\n    cpus: 1.5\n    cpuset: 0-1\n    device_cgroup_rules: [\"c 1:3 mr\"]\n    \
        devices: [\"/dev/null:/dev/nothing:r\"]\n    dns: 1.1.1.1\n    dns_opt: [use-vc]\n    dns_search: [a.example]\n    domainname: d.example\n    \
        gpus: all\n    group_add: [mail]\n    ipc: \"service:db\"\n    logging: { driver: none, options: { a: b } }\n    \
        mem_reservation: 1k\n    mem_swappiness: 4\n    memswap_limit: -1\n    oom_kill_disable: true\n    oom_score_adj: 5\n    pid: \"service:db\"\n    \
        runtime: runc\n    storage_opt: { size: 1G }\n    sysctls: { net.core.somaxconn: 6 }\n    ulimits: { nofile: { soft: 7, hard: 8 } }\n    \
        userns_mode: host\n    uts: host\n    volumes_from: [\"db:ro\", \"container:other\"]\n    annotations: { n: o }\n";
    let plan = super::composed(text);
    let given = Circumstances { image: "i", namespace_of: None, api: (1, 41) };
    let old = spec(&plan, &plan.services["api"], &given);
    let host = serde_json::to_value(old.body.host_config.as_ref().unwrap()).unwrap();
    let expected = serde_json::json!({
        "CgroupnsMode": "host", "CgroupParent": "/p", "CpuPeriod": 1000, "CpuQuota": 2000, "CpuShares": 3,
        "NanoCpus": 1_500_000_000_i64, "CpusetCpus": "0-1", "DeviceCgroupRules": ["c 1:3 mr"],
        "Devices": [{ "PathOnHost": "/dev/null", "PathInContainer": "/dev/nothing", "CgroupPermissions": "r" }],
        "Dns": ["1.1.1.1"], "DnsOptions": ["use-vc"], "DnsSearch": ["a.example"],
        "DeviceRequests": [{ "Count": -1, "Capabilities": [["gpu"]] }], "GroupAdd": ["mail"],
        "IpcMode": "container:the-db", "PidMode": "container:the-db", "LogConfig": { "Type": "none", "Config": { "a": "b" } },
        "MemoryReservation": 1024, "MemorySwappiness": 4, "MemorySwap": -1, "OomKillDisable": true, "OomScoreAdj": 5,
        "Runtime": "runc", "StorageOpt": { "size": "1G" }, "Sysctls": { "net.core.somaxconn": "6" },
        "Ulimits": [{ "Name": "nofile", "Soft": 7, "Hard": 8 }], "UsernsMode": "host", "UTSMode": "host",
        "VolumesFrom": ["the-db:ro", "other"],
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(host.get(key), Some(value), "{key}");
    }
    assert_eq!(old.body.domainname.as_deref(), Some("d.example"));
    assert_eq!(plan.services["api"].depends_on.keys().collect::<Vec<_>>(), ["db"]);
    assert!(old.warnings.len() == 1 && old.warnings[0].contains("`annotations`"), "{:?}", old.warnings);
    let new = spec(&plan, &plan.services["api"], &Circumstances { api: (1, 43), ..given });
    assert_eq!((new.warnings.len(), new.body.host_config.unwrap().annotations.unwrap().len()), (0, 1));
}

#[test]
fn a_connection_has_the_names_and_addresses_of_the_file() {
    let text = "name: x\nservices:\n  db: { image: y }\n  api:\n    image: i\n    links: [\"db:store\"]\n    networks:\n      \
        n: { aliases: [front], ipv4_address: 10.9.0.5, mac_address: \"02:42:ac:11:00:02\", driver_opts: { a: b } }\n\
        networks: { n: { attachable: true, driver_opts: { c: d }, labels: { e: f }, ipam: { driver: default, config: [{ subnet: 10.9.0.0/24, gateway: 10.9.0.1 }] } } }\n\
        volumes: { v: { driver_opts: { g: h }, labels: { i: j } } }\n";
    let plan = super::composed(text);
    let api = |version| {
        let given = Circumstances { image: "i", namespace_of: None, api: version };
        let spec = spec(&plan, &plan.services["api"], &given);
        let endpoints = spec.body.networking_config.unwrap().endpoints_config.unwrap();
        (endpoints[&plan.networks["n"].name].clone(), spec.warnings)
    };
    let (endpoint, warnings) = api((1, 41));
    assert_eq!(endpoint.aliases.unwrap(), ["api", "front"]);
    assert_eq!(endpoint.ipam_config.unwrap().ipv4_address.as_deref(), Some("10.9.0.5"));
    assert_eq!(endpoint.links.unwrap(), [format!("{}:store", plan.services["db"].container.name)]);
    assert_eq!((endpoint.driver_opts.unwrap()["a"].as_str(), endpoint.mac_address), ("b", None));
    assert!(warnings[0].contains("`mac_address`"), "{warnings:?}");
    assert_eq!(api((1, 44)).0.mac_address.as_deref(), Some("02:42:ac:11:00:02"));
    let network = network_request(&plan.project, "n", &plan.networks["n"]);
    assert_eq!((network.attachable, network.options.unwrap()["c"].as_str()), (Some(true), "d"));
    assert_eq!(network.ipam.unwrap().config.unwrap()[0].subnet.as_deref(), Some("10.9.0.0/24"));
    let labels = network.labels.unwrap();
    assert!(labels["e"] == "f" && labels.contains_key(labels::PROJECT));
    let volume = volume_request(&plan.project, "v", &plan.volumes["v"]);
    assert_eq!((volume.driver_opts.unwrap()["g"].as_str(), volume.labels.unwrap()["i"].as_str()), ("h", "j"));
}

#[test]
fn mounts_keep_their_options() {
    let text = "name: x\nservices:\n  api:\n    image: i\n    volumes:\n      - ./made:/made:ro,z\n      \
        - { type: bind, source: /there, target: /t, bind: { propagation: rshared, create_host_path: false } }\n      \
        - { type: volume, source: v, target: /v, volume: { nocopy: true } }\nvolumes: { v: }\n";
    let plan = super::composed(text);
    let given = Circumstances { image: "i", namespace_of: None, api: (1, 41) };
    let host = spec(&plan, &plan.services["api"], &given).body.host_config.unwrap();
    assert_eq!(host.binds.unwrap(), ["/x/made:/made:ro,z"]);
    let mounts = serde_json::to_value(host.mounts.unwrap()).unwrap();
    assert_eq!(mounts[0]["BindOptions"]["Propagation"], "rshared");
    assert_eq!(mounts[1]["VolumeOptions"]["NoCopy"], true);
}
