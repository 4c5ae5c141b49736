//! Each hole of the starter project is found, on the right operation, under the right OWASP id, and nothing else.

use serde_json::Value;

use crate::program::{Bench, docker_answers, ports};

/// Opens flaws of the API one by one, as `devenv test mutations` does; what is not killed exactly is told.
fn not_killed(engine: &'static str, only: &[&str]) -> (u64, Vec<String>) {
    let bench = Bench::orders(engine);
    let mut arguments = vec!["test", "mutations", "--format", "json"];
    let names = only.join(",");
    if !only.is_empty() {
        arguments.extend(["--only", &names]);
    }
    let score = bench.run(&arguments).expect(0).json();
    let exact = |trial: &&Value| trial["status"] == "killed";
    let trials = score["trials"].as_array().unwrap();
    (score["flaws"].as_u64().unwrap(), trials.iter().filter(|trial| !exact(trial)).map(Value::to_string).collect())
}

#[test]
fn each_flaw_is_found_and_nothing_else() {
    let _ports = ports();
    let (flaws, wrong) = not_killed("embedded", &[]);
    assert!(flaws >= 15, "{flaws}");
    assert!(wrong.is_empty(), "{} of {flaws} flaws:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn three_flaws_are_found_on_docker_as_well() {
    if !docker_answers() {
        return;
    }
    let _ports = ports();
    let (flaws, wrong) = not_killed("docker", &["object-read", "mass-assign-create", "stale-introspection"]);
    assert_eq!((flaws, wrong), (3, Vec::new()));
}
