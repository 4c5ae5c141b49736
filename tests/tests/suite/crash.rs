//! `devenv` killed or interrupted at any moment: the next one makes the stack right, or removes all of it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::embedded::processes_of;
use crate::program::{Bench, docker_answers, ports, ran};

/// Built-in services and a slow one; on Docker with a relay and a network.
const MANIFEST: &str = "name: crash
identity: { personas: { alice: {} } }
idp: { port: 19700 }
iam: { port: 19710 }
services:
  slow:
    image: ${POSTGRES_IMAGE:-postgres:17}
    entrypoint: [/bin/sh, -c, 'sleep 0.2; touch /tmp/ready; sleep 600']
    environment: { ISSUER: \"${DEVENV_ISSUER}\" }
    tmpfs: [\"/tmp:mode=1777\"]
    stop_signal: SIGKILL
    ready: { exec: [test, -e, /tmp/ready] }
    engines: [docker]
  quick:
    run: [sh, -c, 'sleep 0.2; echo ready; exec sleep 600']
    ready: { log: ready }
    engines: [embedded]
";

/// Milliseconds after which `devenv` is killed: before, while and after things are made, started and waited for.
const MOMENTS: [u64; 6] = [10, 40, 90, 180, 300, 600];

fn kill_after(bench: &Bench, arguments: &[&str], moment: u64) {
    let mut child = spawn(bench, arguments);
    std::thread::sleep(Duration::from_millis(moment));
    child.kill().unwrap();
    child.wait().unwrap();
}

fn spawn(bench: &Bench, arguments: &[&str]) -> Child {
    bench.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

#[track_caller]
fn everything_runs(bench: &Bench, services: &[&str]) {
    let found = bench.run(&["ps", "--all", "--format", "json"]).expect(0).json();
    let found: Vec<(&str, &str)> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|service| (service["service"].as_str().unwrap(), service["state"].as_str().unwrap()))
        .collect();
    let expected: Vec<(&str, &str)> = services.iter().map(|name| (*name, "running")).collect();
    assert_eq!(found, expected);
    assert_eq!(bench.run(&["plan", "--format", "json"]).expect(0).json(), serde_json::json!([]));
}

#[track_caller]
fn nothing_is_left(bench: &Bench) {
    assert_eq!(processes_of(bench), Vec::<String>::new());
    let state = bench.state().join("devenv");
    let files: Vec<_> =
        state.read_dir().into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path()).collect();
    assert!(files.is_empty(), "{files:?}");
    if bench.engine == "docker" {
        for list in [&["ps", "-a", "--format", "{{.Names}}"][..], &["network", "ls", "--format", "{{.Name}}"]] {
            let output = Command::new("docker").args(list).output().unwrap();
            let names = String::from_utf8_lossy(&output.stdout).into_owned();
            // Other stacks may be up on the same engine.
            let ours: Vec<&str> = names.lines().filter(|name| name.starts_with("crash-")).collect();
            assert!(ours.is_empty(), "{ours:?}");
        }
    }
}

fn survives_being_killed(engine: &'static str, services: &[&str]) {
    let bench = Bench::of(engine, &[("devenv.yaml", MANIFEST)]);
    for moment in MOMENTS {
        kill_after(&bench, &["up", "-d"], moment);
        bench.run(&["up", "-d"]).expect(0);
        everything_runs(&bench, services);
        kill_after(&bench, &["down"], moment / 3);
        // Every other time `down` finds what a killed `up` left of it.
        if moment % 20 == 0 {
            kill_after(&bench, &["up", "-d"], moment);
        }
        bench.run(&["down"]).expect(0);
        nothing_is_left(&bench);
    }
}

#[test]
fn after_a_kill_at_any_moment_one_up_makes_it_right_and_one_down_removes_it() {
    let _ports = ports();
    survives_being_killed("embedded", &["iam", "idp", "quick"]);
}

#[test]
fn after_a_kill_at_any_moment_one_up_makes_it_right_and_one_down_removes_it_on_docker() {
    if !docker_answers() {
        return;
    }
    let _ports = ports();
    survives_being_killed("docker", &["iam", "idp", "slow", "slow-relay"]);
}

#[test]
fn a_second_ctrl_c_kills_what_ignores_the_first() {
    let manifest = "services:\n  deaf:\n    run: [sh, -c, 'trap \"\" TERM; echo up; while true; do sleep 1; done']\n    \
        ready: { log: up }\n    stop_grace_period: 60s\n";
    let bench = Bench::of("embedded", &[("devenv.yaml", manifest)]);
    let mut up = spawn(&bench, &["up"]);
    let mut said = BufReader::new(up.stderr.take().unwrap()).lines();
    // The table of services is the first thing on standard output: from then on the command is attached.
    let mut shown = BufReader::new(up.stdout.take().unwrap()).lines();
    assert!(shown.any(|line| line.unwrap().starts_with("deaf")));
    let begun = Instant::now();
    interrupt(&up);
    assert!(said.any(|line| line.unwrap().contains("Ctrl-C again to kill")));
    interrupt(&up);
    assert_eq!(up.wait().unwrap().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(30), "it waited for the grace of the service");
    let left = bench.run(&["ps", "--format", "json"]).expect(0).json();
    assert_eq!((&left[0]["state"], &left[0]["exit_code"]), (&"exited".into(), &137.into()), "{left}");
}

#[test]
fn ctrl_c_before_the_stack_is_ready_stops_what_was_started() {
    let manifest = "services:\n  never:\n    run: sleep 600\n    ready: { log: never }\n";
    let bench = Bench::of("embedded", &[("devenv.yaml", manifest)]);
    let mut up = spawn(&bench, &["up"]);
    let mut said = BufReader::new(up.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("never: waiting for")));
    interrupt(&up);
    assert_eq!(up.wait().unwrap().code(), Some(130));
    let left = bench.run(&["ps", "--format", "json"]).expect(0).json();
    assert_eq!(left[0]["state"], "exited", "{left}");
}

#[test]
fn ctrl_c_in_the_midst_of_a_build_ends_the_build_with_all_that_it_started() {
    let manifest = "services:\n  api:\n    binary: { path: api, build: 'echo building >&2; sleep 600 & sleep 600' }\n";
    let bench = Bench::of("embedded", &[("devenv.yaml", manifest)]);
    let mut up = spawn(&bench, &["up", "-d"]);
    let mut said = BufReader::new(up.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("building")));
    interrupt(&up);
    assert_eq!(up.wait().unwrap().code(), Some(130));
    let deadline = Instant::now() + Duration::from_secs(10);
    while !processes_of(&bench).is_empty() {
        assert!(Instant::now() < deadline, "{:?}", processes_of(&bench));
        std::thread::yield_now();
    }
}

#[test]
fn ctrl_c_in_a_test_puts_people_back_and_leaves_a_stack_that_was_up() {
    let _ports = ports();
    let bench = Bench::orders("embedded");
    bench.run(&["up", "-d"]).expect(0);
    let people = bench.run(&["persona", "--format", "json"]).expect(0).json();
    let mut test = spawn(&bench, &["test", "--format", "json"]);
    let mut events = BufReader::new(test.stderr.take().unwrap()).lines();
    assert!(events.any(|line| line.unwrap().contains("\"phase\":\"session\"")), "the session layer never began");
    interrupt(&test);
    let rest = events.map_while(Result::ok).collect::<Vec<_>>().join("\n");
    let ended = ran(test.wait_with_output().unwrap());
    assert_eq!(ended.code, 130, "{rest}\n{}", ended.stdout);
    assert_eq!(bench.run(&["persona", "--format", "json"]).expect(0).json(), people);
    everything_runs(&bench, &["api", "iam", "idp"]);
}

#[test]
fn ctrl_c_in_a_test_takes_down_the_stack_that_it_started() {
    let _ports = ports();
    let bench = Bench::orders("embedded");
    let mut test = spawn(&bench, &["test", "--format", "json"]);
    let mut events = BufReader::new(test.stderr.take().unwrap()).lines();
    assert!(events.any(|line| line.unwrap().contains("\"event\":\"tests\"")), "the tests never began");
    interrupt(&test);
    drop(events.collect::<Vec<_>>());
    assert_eq!(test.wait().unwrap().code(), Some(130));
    nothing_is_left(&bench);
}
