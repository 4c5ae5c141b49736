//! What keeps a project and its machine in order: snapshots, synced files, mended files, what is left behind.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::program::{Bench, Ran, docker_answers};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// An image that is here, with a shell.
const IMAGE: &str = "${POSTGRES_IMAGE:-postgres:17}";

const PEOPLE: &str = "
identity:
  tenants: [acme]
  personas: { alice: { tenant: acme, roles: [customer] }, bob: { tenant: acme, roles: [customer] } }
  clients: { web: { type: public, redirect_uris: [\"http://localhost:9849/callback\"] } }
idp: { port: PORT }
iam: { port: DIRECTORY }
";

fn kept(engine: &'static str, (provider, directory): (u16, u16)) -> Bench {
    let people = PEOPLE.replace("PORT", &provider.to_string()).replace("DIRECTORY", &directory.to_string());
    let text = format!(
        "name: kept\n{people}
services:
  worker:
    run: sleep 1000
    environment: {{ DATA: '${{DEVENV_DATA}}' }}
  db:
    image: {IMAGE}
    entrypoint: [sleep, '1000']
    volumes: ['data:/data']
    stop_grace_period: 100ms
    engines: [docker]
volumes: {{ data: }}
"
    );
    Bench::of(engine, &[("devenv.yaml", &text)])
}

fn inside(bench: &Bench, service: &str, script: &str) -> String {
    looked(bench, service, script).expect(0).stdout.trim().to_owned()
}

/// What follows the script are parameters that it does not use: the bench adds its own at the end.
fn looked(bench: &Bench, service: &str, script: &str) -> Ran {
    let project = bench.project().display().to_string();
    bench.run(&["exec", "--dir", &project, "--engine", bench.engine, service, "--", "sh", "-c", script])
}

fn roles(bench: &Bench, who: &str) -> String {
    let people = bench.run(&["persona", "--format", "json"]).expect(0).json();
    let found = people.as_array().unwrap().iter().find(|person| person.to_string().contains(who));
    found.map(|person| person["roles"].to_string()).unwrap_or_default()
}

fn a_snapshot_brings_back_data_people_and_tokens(bench: &Bench) {
    bench.run(&["snapshot"]).expect(3);
    bench.run(&["up", "-d"]).expect(0);
    inside(bench, "worker", "echo before > $DATA/file");
    bench.run(&["persona", "alice", "--roles", "support"]).expect(0);
    let taken = bench.run(&["snapshot", "seeded", "--format", "json"]).expect(0).json();
    assert_eq!((&taken["contents"]["idp"], &taken["contents"]["iam"]), (&json!(true), &json!(true)), "{taken}");
    assert_eq!(taken["contents"]["data"], json!(["worker"]));

    inside(bench, "worker", "echo after > $DATA/file; echo more > $DATA/more");
    bench.run(&["persona", "alice", "--roles", "admin"]).expect(0);
    bench.run(&["persona", "bob", "--roles", "admin"]).expect(0);
    // As often as needed.
    for _ in 0..2 {
        bench.run(&["reset", "seeded"]).expect(0);
        assert_eq!(inside(bench, "worker", "cat $DATA/file; ls $DATA"), "before\nfile");
        assert_eq!((roles(bench, "alice"), roles(bench, "bob")), ("[\"support\"]".into(), "[\"customer\"]".into()));
    }
    let missing = bench.run(&["reset", "other"]).expect(2);
    assert!(missing.stderr.contains("there is no snapshot `other`; there are: seeded"), "{}", missing.stderr);
    let listed = bench.run(&["snapshot", "ls", "--format", "json"]).expect(0).json();
    assert_eq!(listed[0]["name"], "seeded");
    // It outlives the stack, and belongs to it.
    bench.run(&["down"]).expect(0);
    bench.run(&["up", "-d"]).expect(0);
    bench.run(&["reset", "seeded"]).expect(0);
    assert_eq!(inside(bench, "worker", "cat $DATA/file"), "before");
    bench.run(&["snapshot", "rm", "seeded"]).expect(0);
    assert_eq!(bench.run(&["snapshot", "ls", "--format", "json"]).expect(0).json(), json!([]));
}

#[test]
fn a_snapshot_of_processes_brings_back_data_people_and_tokens() {
    a_snapshot_brings_back_data_people_and_tokens(&kept("embedded", (9843, 9844)));
}

#[test]
fn a_snapshot_on_docker_brings_back_volumes_with_their_owners_too() {
    if !docker_answers() {
        return;
    }
    let bench = kept("docker", (9845, 9846));
    a_snapshot_brings_back_data_people_and_tokens(&bench);
    let look = "cat /data/link; stat -c '%u %g %a' /data /data/file; ls /data";
    inside(
        &bench,
        "db",
        "echo x > /data/file; ln -s file /data/link; chown 12:13 /data/file; chown 7:8 /data; chmod 750 /data",
    );
    let before = inside(&bench, "db", look);
    let taken = bench.run(&["snapshot", "--format", "json"]).expect(0).json();
    assert_eq!(taken["contents"]["volumes"], json!(["data"]), "{taken}");
    inside(&bench, "db", "rm /data/link; echo y > /data/more; chown 0:0 /data /data/file");
    bench.run(&["reset"]).expect(0);
    assert_eq!(inside(&bench, "db", look), before);
    let services = bench.run(&["ps", "--format", "json"]).expect(0).json();
    assert!(services.as_array().unwrap().iter().all(|service| service["state"] == "running"), "{services}");
    bench.run(&["down", "-v"]).expect(0);
}

/// Ends the watch whatever happens.
struct Watch(Child);

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn changed_files_are_copied_and_services_restarted_as_the_file_says() {
    if !docker_answers() {
        return;
    }
    let service = |action: &str, path: &str| {
        let target = if action == "restart" { "" } else { ", target: /copied" };
        format!(
            "    image: {IMAGE}\n    entrypoint: [sh, -c, 'date +%s%N > /started; mkdir -p /copied; sleep 1000']\n    stop_grace_period: 100ms\n    \
             develop: {{ watch: [{{ action: {action}, path: ./{path}{target}, ignore: ['*.log'] }}] }}\n"
        )
    };
    let text = format!(
        "name: synced\nservices:\n  copied:\n{}  both:\n{}  again:\n{}",
        service("sync", "a"),
        service("sync+restart", "b"),
        service("restart", "c")
    );
    let files = [("devenv.yaml", text.as_str()), ("a/x", "1"), ("b/x", "1"), ("c/x", "1")];
    let bench = Bench::of("docker", &files);
    bench.run(&["up", "-d"]).expect(0);
    let names = ["copied", "both", "again"];
    let started = || names.map(|name| inside(&bench, name, "cat /started"));
    let before = started();
    let _watch = Watch(bench.command(&["watch"]).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap());
    let begun = Instant::now();
    let (mut number, mut seen) = (1, [false; 3]);
    while seen != [true; 3] {
        assert!(begun.elapsed() < PATIENCE, "only {seen:?} of {names:?}");
        number += 1;
        for directory in ["a", "b", "c"] {
            std::fs::write(bench.project().join(directory).join("x"), format!("changed {number}")).unwrap();
            std::fs::write(bench.project().join(directory).join("y.log"), "ignored").unwrap();
        }
        std::thread::sleep(Duration::from_secs(2));
        let look = |name| looked(&bench, name, "cat /copied/x").stdout.contains("changed");
        let now = names.map(|name| looked(&bench, name, "cat /started").stdout.trim().to_owned());
        let restarted = |at: usize| !now[at].is_empty() && now[at] != before[at];
        seen = [look("copied"), look("both") && restarted(1), restarted(2)];
    }
    assert_eq!(inside(&bench, "copied", "cat /started; ls /copied"), format!("{}\nx", before[0]));
}

#[test]
fn what_a_lost_project_left_on_docker_is_listed_and_then_removed() {
    if !docker_answers() {
        return;
    }
    let text = format!(
        "name: lost\nservices: {{ db: {{ image: \"{IMAGE}\", entrypoint: [sleep, '1000'], stop_grace_period: 100ms, volumes: ['data:/data'] }} }}\nvolumes: {{ data: }}\n"
    );
    let bench = Bench::of("docker", &[("devenv.yaml", &text)]);
    bench.run(&["up", "-d"]).expect(0);
    let directory = bench.project().display().to_string();
    let ours = || {
        let listed = bench.run(&["gc", "--format", "json"]).expect(0).json();
        listed.as_array().unwrap().iter().find(|lost| lost["directory"] == directory.as_str()).cloned()
    };
    assert_eq!(ours(), None);
    std::fs::remove_dir_all(bench.project()).unwrap();
    let lost = ours().unwrap();
    assert_eq!((&lost["services"], &lost["volumes"]), (&json!(["db"]), &json!(["data"])));
    bench.run(&["gc", "--force"]).expect(0);
    assert_eq!(ours(), None);
    let label = format!("label=dev.devenv.directory={directory}");
    for kind in [&["ps", "-aq"][..], &["network", "ls", "-q"], &["volume", "ls", "-q"]] {
        let left = Command::new("docker").args(kind).args(["--filter", &label]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&left.stdout), "", "{kind:?}");
    }
}

#[test]
fn a_mended_file_passes_and_its_stack_still_runs() {
    if !docker_answers() {
        return;
    }
    // As many public files are: an old database, open to the network, with its password in the file.
    let text = "# from a tutorial\nservices:\n  db:\n    image: postgres:17   # the database\n    entrypoint: [sh, -c, 'cat $$POSTGRES_PASSWORD_FILE; echo; sleep 1000']\n    stop_grace_period: 100ms\n    ports:\n      - \"0.0.0.0:9847:5432\"   # psql\n      - target: 80\n        published: 9848\n        host_ip: 0.0.0.0\n    environment:\n      - POSTGRES_PASSWORD=hunter2   # change me\n";
    let bench = Bench::of("docker", &[("compose.yaml", text)]);
    let found = bench.run(&["audit", "--format", "json"]).expect(1);
    assert!(!found.stdout.contains("hunter2"));
    let ran = bench.run(&["audit", "--fix", "--format", "json"]).expect(0);
    assert!(ran.json().as_array().unwrap().iter().all(|finding| finding["rule"]["severity"] == "low"), "{ran:?}");
    let mended = std::fs::read_to_string(bench.project().join("compose.yaml")).unwrap();
    assert!(!mended.contains("hunter2") && !mended.contains("0.0.0.0"), "{mended}");
    for comment in ["# from a tutorial", "# the database", "# psql", "# change me"] {
        assert!(mended.contains(comment), "{comment} is gone from\n{mended}");
    }
    let secret = bench.project().join("secrets/db-postgres-password");
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "hunter2");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(secret).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(std::fs::read_to_string(bench.project().join(".gitignore")).unwrap(), "/secrets/\n");
    bench.run(&["up", "-d"]).expect(0);
    let begun = Instant::now();
    while !bench.run(&["logs"]).expect(0).stdout.contains("hunter2") {
        assert!(begun.elapsed() < PATIENCE, "the program did not read its password");
    }
    let again = bench.run(&["audit", "--fix", "--fail-on", "never"]).expect(0);
    assert!(!again.stderr.contains("fixed"), "{}", again.stderr);
}
