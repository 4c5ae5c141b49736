//! Each hole of the starter project is found, on the right operation, under the right OWASP id, and nothing else.

use std::process::Command;

use serde_json::Value;

use crate::program::{Bench, docker_answers, ports};

/// The flaws as the API itself lists them.
fn flaws(bench: &Bench) -> Vec<Value> {
    // Asked of the program that `devenv` builds: the debug build of this test run may not be there.
    let flags = ["build", "--workspace", "--release", "--bin", "orders-api", "--message-format=json"];
    let built = Command::new("cargo").args(flags).current_dir(bench.project()).output().unwrap();
    let messages = String::from_utf8(built.stdout).unwrap();
    let executable = messages.lines().rev().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(str::to_owned)
    });
    let output = Command::new(executable.unwrap()).args(["--list-flaws", "--format", "json"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn expect_exactly(engine: &'static str, flaw: &Value) -> Result<(), String> {
    let name = flaw["name"].as_str().unwrap();
    let bench = Bench::orders(engine).with("ORDERS_FLAWS", name);
    let ran = bench.run(&["test", "--format", "json"]);
    if ran.code != 1 {
        return Err(format!("{name}: exit {} instead of 1\n{}", ran.code, ran.stderr));
    }
    let run = ran.json();
    let findings: Vec<String> = run["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            format!("{} {}", finding["operation"].as_str().unwrap_or("-"), finding["owasp"].as_str().unwrap_or("-"))
        })
        .collect();
    let expected = format!("{} {}", flaw["operation"].as_str().unwrap(), flaw["owasp"].as_str().unwrap());
    if findings == [expected.clone()] {
        Ok(())
    } else {
        Err(format!("{name}: expected [{expected}], found {findings:?}"))
    }
}

#[test]
fn each_flaw_is_found_and_nothing_else() {
    let _ports = ports();
    let flaws = flaws(&Bench::orders("embedded"));
    assert!(flaws.len() >= 15, "{flaws:?}");
    let wrong: Vec<String> = flaws.iter().filter_map(|flaw| expect_exactly("embedded", flaw).err()).collect();
    assert!(wrong.is_empty(), "{} of {} flaws:\n{}", wrong.len(), flaws.len(), wrong.join("\n"));
}

#[test]
fn three_flaws_are_found_on_docker_as_well() {
    if !docker_answers() {
        return;
    }
    let _ports = ports();
    let names = ["object-read", "mass-assign-create", "stale-introspection"];
    let flaws = flaws(&Bench::orders("docker"));
    let chosen: Vec<&Value> = flaws.iter().filter(|flaw| names.contains(&flaw["name"].as_str().unwrap())).collect();
    assert_eq!(chosen.len(), names.len());
    let wrong: Vec<String> = chosen.into_iter().filter_map(|flaw| expect_exactly("docker", flaw).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
