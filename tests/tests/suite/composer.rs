//! What the composer does beyond `up` and `down`: it sees what changed, builds, freezes, enters, locks and tidies up.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{Bench, docker_answers};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Two processes that do nothing, one of which reads a mounted file.
fn idle() -> Bench {
    let text = "name: idle\nservices:\n  one: { run: sleep 1000, volumes: [\"./one.conf:/one.conf\"] }\n  two: { run: sleep 1000, depends_on: [one] }\n";
    Bench::of("embedded", &[("devenv.yaml", text), ("one.conf", "first")])
}

fn services(bench: &Bench) -> Vec<(String, String, String)> {
    let rows = bench.run(&["ps", "--format", "json"]).expect(0).json();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    rows.as_array().unwrap().iter().map(|row| (text(row, "service"), text(row, "state"), text(row, "id"))).collect()
}

fn states(bench: &Bench) -> Vec<String> {
    services(bench).into_iter().map(|(name, state, _)| format!("{name} {state}")).collect()
}

#[test]
fn an_edited_mounted_file_replaces_exactly_its_service_and_the_reason_is_told() {
    let bench = idle();
    bench.run(&["up", "-d"]).expect(0);
    let before = services(&bench);
    std::fs::write(bench.project().join("one.conf"), "second, longer").unwrap();
    let plan = bench.run(&["plan", "--format", "json"]).expect(0).json();
    assert!(plan.as_array().unwrap().iter().all(|step| step["subject"] == "one"), "{plan}");
    assert_eq!((&plan[0]["kind"], &plan[0]["fields"][0]), (&"changed".into(), &"volumes ./one.conf".into()));
    let ran = bench.run(&["up", "-d"]).expect(0);
    assert!(ran.stderr.contains("changed: volumes ./one.conf"), "{}", ran.stderr);
    let after = services(&bench);
    assert_ne!(before[0].2, after[0].2);
    assert_eq!(before[1], after[1]);
}

#[test]
fn services_are_stopped_started_again_frozen_and_woken() {
    let bench = idle();
    let nothing = bench.run(&["stop"]).expect(3);
    assert!(nothing.stderr.contains("devenv up -d"), "{}", nothing.stderr);
    bench.run(&["up", "-d"]).expect(0);
    let first = services(&bench);
    bench.run(&["stop", "two"]).expect(0);
    assert_eq!(states(&bench), ["one running", "two exited"]);
    bench.run(&["restart"]).expect(0);
    assert_eq!(states(&bench), ["one running", "two running"]);
    assert!(services(&bench).iter().zip(&first).all(|(now, then)| now.2 != then.2));
    bench.run(&["sleep"]).expect(0);
    assert_eq!(states(&bench), ["one paused", "two paused"]);
    let plan = bench.run(&["plan", "--format", "json"]).expect(0).json();
    assert_eq!((&plan[0]["kind"], &plan[0]["fields"][0]), (&"drifted".into(), &"paused".into()));
    bench.run(&["wake"]).expect(0);
    assert_eq!(states(&bench), ["one running", "two running"]);
    bench.run(&["sleep"]).expect(0);
    bench.run(&["down"]).expect(0);
    bench.run(&["restart", "three"]).expect(3);
}

#[test]
fn a_command_beside_a_service_has_its_environment_and_its_exit_code_is_told() {
    let text = "name: entered\nservices: { one: { run: sleep 1000, environment: { COLOUR: green } } }\n";
    let bench = Bench::of("embedded", &[("devenv.yaml", text)]);
    let before = bench.command(&["exec"]).args(["one", "true"]).output().unwrap();
    assert_eq!(before.status.code(), Some(3), "nothing runs yet");
    bench.run(&["up", "-d"]).expect(0);
    let ran = bench.command(&["exec"]).args(["one", "--", "sh", "-c", "echo $COLOUR; exit 7"]).output().unwrap();
    assert_eq!((ran.status.code(), String::from_utf8_lossy(&ran.stdout).as_ref()), (Some(7), "green\n"));
}

#[test]
fn timings_name_each_service_and_the_critical_path() {
    let bench = idle();
    let shown = bench.run(&["up", "-d", "--timings", "--format", "json"]).expect(0);
    let shown: Value = serde_json::from_str(shown.stdout.lines().last().unwrap()).unwrap();
    let path = shown["timings"]["critical_path"].as_array().unwrap();
    assert_eq!(path.last().unwrap()[0], "await ready two", "{path:?}");
    assert!(shown["timings"]["services"]["one"]["after_ms"].is_u64());
}

#[test]
fn the_starter_project_is_written_once_and_understood() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().to_str().unwrap();
    let bench = idle();
    bench.run(&["init", "--dir", directory]).expect(0);
    let again = bench.run(&["init", "--dir", directory]).expect(2);
    assert!(again.stderr.contains("would be overwritten"), "{}", again.stderr);
    let config = bench.command(&["completions"]).args(["bash"]).output().unwrap();
    assert!(config.status.success());
    let mut config = std::process::Command::new(bench.command(&["help"]).get_program());
    let config = config.args(["config", "--services", "--dir", directory]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&config.stdout), "api\ndb\n", "{config:?}");
}

#[test]
fn what_a_lost_project_left_is_listed_and_then_removed() {
    let bench = idle();
    bench.run(&["up", "-d"]).expect(0);
    assert_eq!(bench.run(&["gc", "--format", "json"]).expect(0).json(), serde_json::json!([]));
    std::fs::remove_dir_all(bench.project()).unwrap();
    let listed = bench.run(&["gc", "--format", "json"]).expect(0).json();
    assert_eq!(listed[0]["services"], serde_json::json!(["one", "two"]), "{listed}");
    bench.run(&["gc", "--force"]).expect(0);
    assert_eq!(bench.run(&["gc", "--format", "json"]).expect(0).json(), serde_json::json!([]));
    let left = std::fs::read_dir(bench.state().join("devenv")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn a_changed_source_is_built_and_its_service_replaced() {
    let text =
        "name: watched\nservices:\n  one:\n    binary: { path: built, build: \"cp source built && chmod +x built\" }\n";
    let script = |version: u32| format!("#!/bin/sh\necho version {version}\nexec sleep 1000\n");
    let bench = Bench::of("embedded", &[("devenv.yaml", text), ("source", &script(1))]);
    let mut watch = bench.command(&["watch"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    let says = |wanted: &str| {
        let begun = Instant::now();
        while !bench.run(&["logs"]).stdout.contains(wanted) {
            assert!(begun.elapsed() < PATIENCE, "never {wanted}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    says("version 1");
    // Until it watches, a change is only the state that it begins with; so it is changed until it is seen.
    let begun = Instant::now();
    let mut version = 2;
    while !bench.run(&["logs"]).stdout.contains("version 2") && begun.elapsed() < PATIENCE {
        version += 1;
        std::fs::write(bench.project().join("source"), format!("{}# {version}\n", script(2))).unwrap();
        std::thread::sleep(Duration::from_millis(700));
    }
    watch.kill().unwrap();
    watch.wait().unwrap();
    says("version 2");
}

#[test]
fn an_image_is_built_again_when_a_source_changed_and_a_lock_holds_its_base() {
    if !docker_answers() {
        return;
    }
    let image = std::env::var("POSTGRES_IMAGE").unwrap_or_else(|_| "postgres:17".to_owned());
    let text = format!(
        "name: built\nservices:\n  one: {{ build: . }}\n  two: {{ image: \"{image}\", entrypoint: [\"sleep\", \"1000\"], stop_grace_period: 0s, \
         networks: {{ net: {{ aliases: [second] }} }}, ulimits: {{ nofile: 1234 }} }}\nnetworks: {{ net: {{ attachable: true }} }}\n"
    );
    let dockerfile = format!("FROM {image}\nCOPY word /word\nENTRYPOINT [\"sleep\", \"1000\"]\nSTOPSIGNAL SIGKILL\n");
    let files =
        [("devenv.yaml", text.as_str()), ("Dockerfile", &dockerfile), ("word", "first"), (".dockerignore", "*.md\n")];
    let bench = Bench::of("docker", &files);
    bench.run(&["up", "-d", "--locked"]).expect(3);
    bench.run(&["lock"]).expect(0);
    bench.run(&["up", "-d", "--locked"]).expect(0);
    let word = |service: &str, words: &[&str]| {
        let ran = bench.command(&["exec"]).args([service, "--"]).args(words).output().unwrap();
        String::from_utf8_lossy(&ran.stdout).trim().to_owned()
    };
    assert_eq!(word("one", &["cat", "/word"]), "first");
    assert_eq!(word("two", &["sh", "-c", "ulimit -n; getent hosts second | wc -l"]), "1234\n1");
    std::fs::write(bench.project().join("notes.md"), "ignored").unwrap();
    assert_eq!(bench.run(&["plan", "--format", "json"]).expect(0).json(), serde_json::json!([]));
    std::fs::write(bench.project().join("word"), "second, longer").unwrap();
    let ran = bench.run(&["up", "-d"]).expect(0);
    assert!(ran.stderr.contains("changed: build") && !ran.stderr.contains("two:"), "{}", ran.stderr);
    assert_eq!(word("one", &["cat", "/word"]), "second, longer");
    let lock = bench.project().join("devenv.lock");
    let other = std::fs::read_to_string(&lock).unwrap().replace("sha256:", "sha256:0");
    std::fs::write(lock, other).unwrap();
    let ran = bench.run(&["up", "-d", "--locked"]).expect(3);
    assert!(ran.stderr.contains("is not the one of devenv.lock"), "{}", ran.stderr);
    bench.run(&["down", "-v"]).expect(0);
}

#[test]
fn an_audit_finds_what_is_unsafe_and_mends_what_can_be_mended_in_place() {
    let text = "# ours\nservices:\n  web:\n    image: nginx   # which one?\n    privileged: true\n    ports: [\"0.0.0.0:8080:80\"]\n    \
                volumes: [\"/var/run/docker.sock:/var/run/docker.sock\"]\n    environment: { DB_PASSWORD: hunter2 }\n";
    let bench = Bench::of("embedded", &[("compose.yaml", text)]);
    let found = bench.run(&["audit", "--format", "json"]).expect(1);
    assert!(!found.stdout.contains("hunter2"));
    let ids: Vec<String> =
        found.json().as_array().unwrap().iter().map(|f| f["rule"]["id"].as_str().unwrap().to_owned()).collect();
    for id in ["privileged", "ports-on-all-interfaces", "docker-socket", "inline-secret", "unpinned-image", "no-limits"]
    {
        assert!(ids.contains(&id.to_owned()), "{id} is not among {ids:?}");
    }
    let log = bench.run(&["audit", "--format", "sarif"]).expect(1).json();
    assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), ids.len());
    bench.run(&["audit", "--fix", "--fail-on", "never"]).expect(0);
    let mended = std::fs::read_to_string(bench.project().join("compose.yaml")).unwrap();
    let expected = text
        .replace("0.0.0.0", "127.0.0.1")
        .replace("    image: nginx", "    mem_limit: 2g\n    pids_limit: 1024\n    image: nginx");
    assert_eq!(mended, expected);
}
