//! Two work trees of one project side by side: each has its own stack, and the second one ports of its own.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::program::{Bench, docker_answers, root};

/// Copies of the starter project with one state directory, as two clones on one machine.
fn clones(engine: &'static str) -> [Bench; 2] {
    // As `devenv` builds it for the other tests, so that it is built once.
    let project = root().join("templates/orders");
    let arguments = ["build", "--workspace", "--profile", "release", "--bin", "orders-api"];
    let built = Command::new("cargo").args(arguments).current_dir(&project).output();
    let built = built.unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let api = target.join("release/orders-api");
    let manifest = file("devenv.yaml").replace("{ cargo: orders-api }", &format!("{{ path: {} }}", api.display()));
    // Ports of their own, so that no other test is in the way.
    let manifest = manifest.replace("9400", "9840").replace("9410", "9841").replace("8080", "9842");
    let names = ["authz.yaml", "openapi.yaml", "db/start.sh"];
    let mut files: Vec<(String, String)> = names.iter().map(|name| ((*name).to_owned(), file(name))).collect();
    for entry in std::fs::read_dir(root().join("templates/orders/policies")).unwrap() {
        let name = format!("policies/{}", entry.unwrap().file_name().into_string().unwrap());
        files.push((name.clone(), file(&name)));
    }
    files.push(("devenv.yaml".to_owned(), manifest));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let first = Bench::of(engine, &files);
    let state = first.state().display().to_string();
    let second = Bench::of(engine, &files).with("XDG_STATE_HOME", &state);
    [first, second]
}

fn file(name: &str) -> String {
    std::fs::read_to_string(root().join("templates/orders").join(name)).unwrap()
}

fn url(bench: &Bench, service: &str) -> String {
    let up = bench.run(&["up", "-d", "--format", "json"]).expect(0);
    let last: serde_json::Value = serde_json::from_str(up.stdout.trim().lines().last().unwrap()).unwrap();
    last["urls"][service].as_str().unwrap().to_owned()
}

fn both_are_up_and_both_pass(engine: &'static str) {
    static PORTS: Mutex<()> = Mutex::new(());
    let _ports = PORTS.lock().unwrap_or_else(PoisonError::into_inner);
    let [first, second] = clones(engine);
    first.run(&["up", "-d"]).expect(0);
    let up = second.run(&["up", "-d"]).expect(0);
    assert!(up.stderr.contains("is up with the ports of this file"), "{}", up.stderr);
    let issuers = [&first, &second].map(|bench| {
        let token = bench.run(&["token", "alice", "--format", "json"]).expect(0).json();
        token["claims"]["iss"].as_str().unwrap().to_owned()
    });
    assert_eq!(issuers[0], "http://localhost:9840");
    assert_eq!(issuers[1], url(&second, "idp"));
    assert_ne!(issuers[0], issuers[1]);
    for bench in [&first, &second] {
        let run = bench.run(&["test", "--format", "json"]).expect(0).json();
        assert_eq!(run["verdict"], "pass", "{}", run["findings"]);
        let services = bench.run(&["ps", "--format", "json"]).expect(0).json();
        assert!(services.as_array().unwrap().iter().all(|service| service["state"] == "running"), "{services}");
    }
    // What one of them does is nothing to the other, and its ports stay its own.
    let before = url(&second, "api");
    second.run(&["down"]).expect(0);
    assert_eq!(first.run(&["ps", "--format", "json"]).expect(0).json().as_array().unwrap().len(), services_of(engine));
    first.run(&["down"]).expect(0);
    assert_eq!(url(&second, "api"), before);
    second.run(&["down", "-v"]).expect(0);
    assert_eq!(url(&second, "api"), "http://localhost:9842");
}

fn services_of(engine: &str) -> usize {
    // On Docker also the database, and the relay of the API.
    if engine == "docker" { 5 } else { 3 }
}

#[test]
fn two_clones_are_up_at_once_as_processes() {
    both_are_up_and_both_pass("embedded");
}

#[test]
fn two_clones_are_up_at_once_on_docker() {
    if docker_answers() {
        both_are_up_and_both_pass("docker");
    }
}
