//! Every key of a service, in its short and in its long form.

use std::time::Duration;

use super::*;
use crate::manifest::{
    Build, Command, Condition, FileReference, Mount, MountOptions, MountSource, Port, Protocol, PullPolicy,
    ReadinessTest, Restart,
};

#[test]
fn plain_keys_are_read() {
    let service = service(
        "user: 1000:1000\nworking_dir: /w\nhostname: h\ncontainer_name: c\nread_only: true\nprivileged: false\n\
         init: yes\ntty: 'true'\nstdin_open: true\npids_limit: 100\nmem_limit: 64m\nshm_size: 1gb\n\
         stop_signal: SIGINT\nstop_grace_period: 1m30s\npull_policy: if_not_present\nplatform: linux/amd64\n\
         profiles: [dev]\ncap_add: [NET_ADMIN]\ncap_drop: [ALL]\nsecurity_opt: [no-new-privileges:true]\n\
         restart: on-failure:3\nx-note: anything",
    );
    assert_eq!(service.user.as_deref(), Some("1000:1000"));
    assert_eq!((service.read_only, service.privileged, service.init), (Some(true), Some(false), Some(true)));
    assert_eq!((service.tty, service.stdin_open, service.pids_limit), (Some(true), Some(true), Some(100)));
    assert_eq!((service.mem_limit, service.shm_size), (Some(64 << 20), Some(1 << 30)));
    assert_eq!(service.stop_grace_period, Some(Duration::from_secs(90)));
    assert_eq!(service.pull_policy, Some(PullPolicy::Missing));
    assert_eq!(service.restart, Some(Restart::OnFailure { attempts: 3 }));
    assert_eq!(service.profiles, ["dev"]);
    assert_eq!((service.cap_add, service.cap_drop), (vec!["NET_ADMIN".to_owned()], vec!["ALL".to_owned()]));
}

#[test]
fn commands_are_a_line_or_a_list() {
    let service = service("command: echo 'a b'\nentrypoint: [sh, -c, 1]");
    assert_eq!(service.command, Some(Command::Line("echo 'a b'".to_owned())));
    let words = ["sh", "-c", "1"].map(str::to_owned).to_vec();
    assert_eq!(service.entrypoint, Some(Command::Words(words)));
}

#[test]
fn ports_are_short_or_long() {
    let service = service(
        "ports:\n  - 22:22\n  - 8080\n  - \"127.0.0.1:9000-9001:90-91/udp\"\n\
         \x20 - { target: 80, published: \"8081\", host_ip: 0.0.0.0, protocol: tcp }\nexpose: [1, \"2-3\", 4/tcp]",
    );
    let port = |host_ip: Option<&str>, published, target, protocol| Port {
        host_ip: host_ip.map(str::to_owned),
        published,
        target,
        protocol,
    };
    assert_eq!(
        service.ports,
        [
            port(None, Some(22), 22, Protocol::Tcp),
            port(None, None, 8080, Protocol::Tcp),
            port(Some("127.0.0.1"), Some(9000), 90, Protocol::Udp),
            port(Some("127.0.0.1"), Some(9001), 91, Protocol::Udp),
            port(Some("0.0.0.0"), Some(8081), 80, Protocol::Tcp),
        ]
    );
    assert_eq!(service.expose, [1, 2, 3, 4]);
}

#[test]
fn volumes_are_short_or_long() {
    let service = service(
        "volumes:\n  - data:/a\n  - ./b:/b:ro\n  - /c\n  - { type: bind, source: ./d, target: /d, read_only: true }\n\
         \x20 - { type: volume, source: data, target: /e }\n  - { type: tmpfs, target: /f, tmpfs: { size: 1m, mode: 01777 } }\n\
         tmpfs: /run",
    );
    // Only the short form makes a missing directory.
    let mount = |source, target: &str, read_only, create_host_path| Mount {
        source,
        target: target.to_owned(),
        read_only,
        options: MountOptions { create_host_path, ..MountOptions::default() },
    };
    assert_eq!(
        service.volumes,
        [
            mount(MountSource::Volume("data".to_owned()), "/a", false, true),
            mount(MountSource::Bind("./b".into()), "/b", true, true),
            mount(MountSource::Anonymous, "/c", false, true),
            mount(MountSource::Bind("./d".into()), "/d", true, false),
            mount(MountSource::Volume("data".to_owned()), "/e", false, false),
        ]
    );
    let tmpfs = [("/f", "size=1048576,mode=1777"), ("/run", "")];
    assert_eq!(service.tmpfs, tmpfs.map(|(path, options)| (path.to_owned(), options.to_owned())));
}

#[test]
fn a_home_directory_comes_from_the_variables() {
    let text = "services: { a: { image: x, volumes: [\"~/.cargo:/cargo\"] } }";
    let manifest = load(&source(text), &variables(&[("HOME", "/home/me")])).unwrap().value;
    assert_eq!(manifest.services["a"].volumes[0].source, MountSource::Bind("/home/me/.cargo".into()));
}

#[test]
fn secrets_are_short_or_long() {
    let service = service("secrets:\n  - key\n  - { source: key, target: other, mode: \"0440\" }");
    let reference = |target: Option<&str>, mode| FileReference {
        source: "key".to_owned(),
        target: target.map(str::to_owned),
        mode,
    };
    assert_eq!(service.secrets, [reference(None, None), reference(Some("other"), Some(0o440))]);
}

#[test]
fn builds_are_a_directory_or_a_mapping() {
    let manifest = loaded(
        "services:\n  a: { build: ./dir }\n  b: { build: { context: c, dockerfile: D, target: t, args: [A=1] } }\n",
    );
    assert_eq!(manifest.services["a"].build, Some(Build { context: "./dir".into(), ..Build::default() }));
    let build = manifest.services["b"].build.clone().unwrap();
    assert_eq!((build.dockerfile.as_deref(), build.target.as_deref()), (Some("D"), Some("t")));
    assert_eq!(build.args["A"], "1");
}

#[test]
fn dependencies_networks_labels_and_hosts_are_lists_or_mappings() {
    let manifest = loaded(
        "services:\n  a: { image: x, ready: { tcp: 1 } }\n  b: { image: x, depends_on: [a], networks: [n], labels: [l=1, m] }\n\
         \x20 c:\n    image: x\n    depends_on: { a: { condition: service_healthy }, b: }\n    networks: { n: , default: }\n\
         \x20   labels: { l: 1 }\n    extra_hosts: { h: 1.2.3.4 }\nnetworks: { n: { internal: true } }\n",
    );
    let (b, c) = (&manifest.services["b"], &manifest.services["c"]);
    assert_eq!(b.depends_on["a"], Condition::Started);
    assert_eq!((c.depends_on["a"], c.depends_on["b"]), (Condition::Healthy, Condition::Started));
    assert_eq!((&b.networks, &c.networks), (&vec!["n".to_owned()], &vec!["n".to_owned(), "default".to_owned()]));
    assert_eq!((b.labels["l"].as_str(), b.labels["m"].as_str(), c.labels["l"].as_str()), ("1", "", "1"));
    assert_eq!(c.extra_hosts, ["h:1.2.3.4"]);
    assert!(manifest.networks["n"].internal);
}

#[test]
fn readiness_has_five_forms() {
    let test = |body: &str| service(body).ready.unwrap().test;
    let http = |port| ReadinessTest::Http { path: "/h".to_owned(), port };
    assert_eq!(test("ports: [80]\nready: { http: /h }"), http(None));
    assert_eq!(test("ready: { http: { path: /h, port: 81 } }"), http(Some(81)));
    assert_eq!(test("ready: { tcp: 5432 }"), ReadinessTest::Tcp { port: 5432 });
    assert_eq!(test("ready: { log: started }"), ReadinessTest::Log { text: "started".to_owned() });
    let words = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(test("ready: { exec: [a, b] }"), ReadinessTest::Exec { words: words.clone() });
    assert_eq!(test("healthcheck: { test: [CMD, a, b] }"), ReadinessTest::Exec { words });
    let script = "a || b".to_owned();
    assert_eq!(test("healthcheck: { test: a || b }"), ReadinessTest::Shell { script });
}

#[test]
fn the_times_of_readiness_have_the_defaults_of_their_form() {
    let times = |body: &str| {
        let ready = service(body).ready.unwrap();
        (ready.timeout.as_secs(), ready.within.as_secs())
    };
    assert_eq!(times("ready: { tcp: 1 }"), (2, 60));
    assert_eq!(times("ready: { tcp: 1, timeout: 1s, within: 5m }"), (1, 300));
    assert_eq!(times("healthcheck: { test: x }"), (30, 90));
    assert_eq!(times("healthcheck: { test: x, interval: 1s, retries: 3, start_period: 2s }"), (30, 30));
    assert_eq!(times("healthcheck: { test: x, interval: 10s, retries: 5, start_period: 1m }"), (30, 110));
}

#[test]
fn a_disabled_health_check_is_none() {
    assert_eq!(service("healthcheck: { disable: true }").ready, None);
    assert_eq!(service("healthcheck: { test: [NONE] }").ready, None);
}

#[test]
fn built_in_servers_have_defaults() {
    let manifest = loaded("idp:\niam: {}\n");
    let idp = manifest.idp.unwrap();
    assert_eq!((idp.port, idp.opaque, idp.lifetime.as_secs(), idp.audience), (9400, false, 300, None));
    assert_eq!(manifest.iam.unwrap().port, 9410);
}

#[test]
fn anchors_and_merge_keys_are_followed() {
    let manifest = loaded(
        "x-base: &base { image: x, user: me, environment: &env { A: 1, B: 2 } }\n\
         services:\n  a: { <<: *base, user: you }\n  b:\n    <<: [{ image: y }, *base]\n    environment: { <<: *env, B: 3 }\n",
    );
    let (a, b) = (&manifest.services["a"], &manifest.services["b"]);
    assert_eq!((a.image.as_deref(), a.user.as_deref()), (Some("x"), Some("you")));
    assert_eq!((b.image.as_deref(), b.user.as_deref()), (Some("y"), Some("me")));
    assert_eq!((b.environment["A"].as_str(), b.environment["B"].as_str()), ("1", "3"));
}
